"""`debpress upload` against S3 as moto has it, with a press that answers while it sleeps."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from debpress import config, layout, manifest
from debpress.adapters import aws
from debpress.codec import encode
from debpress.commands import connection, sending, subcommands, waiting
from debpress.commands.main import main
from debpress.commands.packages import examine
from debpress.commands.sending import send

from tests.support.clock import FakeClock
from tests.support.debs import control, deb, member
from tests.support.simulated_s3 import REGION, versioned
from tests.unit.test_commands_packages import write

BUCKET = "press-of-the-tests"
HELLO_DEB = deb(control(Package="hello", Architecture="amd64"))
WORLD_DEB = deb(control(Package="world", Version="2.0+b1"))


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("DEBPRESS_BUCKET", BUCKET)
    with versioned(BUCKET, monkeypatch) as client:
        yield client


class Press(FakeClock):
    """A clock, and a pipeline that answers a batch when somebody has slept `after` times."""

    def __init__(self, s3: Any, after: int = 2, **result: Any) -> None:
        super().__init__()
        self.s3 = s3
        self.after = after
        self.result: dict[str, Any] = {"status": "published", "generation": 42, **result}

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if len(self.slept) == self.after:
            self.answer()

    def answer(self) -> None:
        (manifest,) = (key for key in keys(self.s3) if key.endswith("/manifest.json"))
        head = self.s3.head_object(Bucket=BUCKET, Key=manifest)
        staged = layout.parse_staged(manifest)
        assert staged is not None
        answer(
            self.s3,
            staged[0],
            manifest={
                "key": manifest,
                "etag": head["ETag"].strip('"'),
                "version_id": head["VersionId"],
            },
            **self.result,
        )


def answer(s3: Any, batch: layout.Batch, **result: Any) -> None:
    """A whole result; `result` is what matters of it."""
    body = {**WHOLE, "batch": encode(batch), **result}
    s3.put_object(Bucket=BUCKET, Key=batch.result, Body=json.dumps(body).encode())


WHOLE: dict[str, Any] = {
    "version": 1,
    "generation": None,
    "release_date": None,
    "packages": [],
    "ignored": [],
    "errors": [],
    "started_at": "2026-11-23T01:02:03Z",
    "finished_at": "2026-11-23T01:02:04Z",
    "execution": "execution-1",
}


def keys(s3: Any) -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())]


@pytest.fixture
def package(tmp_path: Path) -> str:
    return str(write(tmp_path, "hello_1.0_amd64.deb", HELLO_DEB))


HELLO = {
    "package": "hello",
    "version": "1.0",
    "architecture": "amd64",
    "filename": "pool/main/h/hello/0/hello_1.0_amd64.deb",
    "sha256": "0" * 64,
    "size": len(HELLO_DEB),
    "action": "added",
}


def test_a_batch_is_uploaded_and_its_result_printed(
    s3: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [
        str(write(tmp_path, "hello_1.0_amd64.deb", HELLO_DEB)),
        str(write(tmp_path, "world_2.0+b1_all.deb", WORLD_DEB)),
    ]
    press = Press(s3, packages=[HELLO], ignored=["notes.txt"])
    assert main(["upload", *files, "--suite", "lab", "--batch", "b1"], press) == 0
    for path in map(Path, files):
        staged = s3.get_object(Bucket=BUCKET, Key=f"staging/lab/main/b1/{path.name}")
        assert staged["Body"].read() == path.read_bytes()
    out = capsys.readouterr().out
    assert "lab/main/b1: published in generation 42\n" in out
    assert "  added  hello  1.0  amd64\n" in out
    assert "notes.txt" in out


def test_the_manifest_lists_the_files_and_comes_last(s3: Any, package: str) -> None:
    order: list[str] = []
    client, store = connection.connect(upload_arguments())
    client.meta.events.register(
        "before-call.s3.PutObject", lambda params, **_: order.append(params["url_path"])
    )
    batch = layout.Batch("lab", "main", "b1")
    Path(f"{package}.sigstore.json").write_text("{}")
    packages, _ = examine([Path(package)])
    head = send(client, store, batch, packages)
    *sent, last = (path.rpartition("/")[2] for path in order)
    assert sorted(sent) == ["hello_1.0_amd64.deb", "hello_1.0_amd64.deb.sigstore.json"]
    assert last == "manifest.json"
    manifest = s3.get_object(Bucket=BUCKET, Key=batch.staging + "manifest.json")
    assert manifest["VersionId"] == head.version_id
    assert json.loads(manifest["Body"].read()) == {
        "version": 1,
        "files": [
            {
                "name": "hello_1.0_amd64.deb",
                "sha256": packages[0].sha256,
                "size": len(HELLO_DEB),
            }
        ],
    }


def upload_arguments() -> Any:
    class Arguments:
        bucket = None
        stack = None
        region = None
        endpoint_url = None

    return Arguments()


def test_a_large_file_goes_in_parts(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PART", 5 << 20)
    big = deb() + member("_gpgorigin", b"x" * (9 << 20))
    path = write(tmp_path, "foo_1.0_all.deb", big)
    assert main(["upload", str(path), "--suite", "lab", "--batch", "b1"], Press(s3)) == 0
    head = s3.head_object(Bucket=BUCKET, Key="staging/lab/main/b1/foo_1.0_all.deb")
    assert head["ContentLength"] == len(big)
    assert re.search(r"-\d+\"$", head["ETag"])


def test_json_is_the_result_as_it_is(
    s3: Any, package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["upload", package, "--suite", "lab", "--json"], Press(s3)) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["status"] == "published"
    assert result["generation"] == 42


def test_a_rejection_is_told_line_by_line(
    s3: Any, package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    errors = [
        {"file": "a.deb", "code": "version-reused", "message": "other content"},
        {"file": "b\x1b[2J\n.deb", "code": "deb-malformed", "message": "no control"},
    ]
    press = Press(s3, status="rejected", generation=None, errors=errors)
    assert main(["upload", package, "--suite", "lab", "--batch", "b1"], press) == 1
    captured = capsys.readouterr()
    assert "lab/main/b1: rejected" in captured.out
    assert "a.deb: version-reused: other content\n" in captured.err
    assert "b\\u001b[2J\\u000a.deb: deb-malformed: no control\n" in captured.err


def test_a_failure_of_the_press_is_no_success(
    s3: Any, package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    errors = [{"file": "manifest.json", "code": "internal", "message": "it broke"}]
    press = Press(s3, status="failed", generation=None, errors=errors)
    assert main(["upload", package, "--suite", "lab"], press) == 1
    assert "manifest.json: internal: it broke" in capsys.readouterr().err


@pytest.mark.parametrize("version", [None, "of an earlier one"])
def test_an_earlier_result_of_the_batch_is_passed_over(
    s3: Any, package: str, version: str | None
) -> None:
    batch = layout.Batch("lab", "main", "b1")
    key = f"{batch.staging}manifest.json"
    earlier = {"key": key, "etag": "of an earlier one", "version_id": version}
    answer(s3, batch, status="rejected", manifest=earlier)
    assert main(["upload", package, "--suite", "lab", "--batch", "b1"], Press(s3)) == 0


class Matrix(Press):
    """Another job of the same batch's name puts its own manifest, and is answered."""

    def answer(self) -> None:
        key = "staging/lab/main/b1/manifest.json"
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=b"another's")
        super().answer()


def test_an_upload_in_whose_place_another_came_is_told_so_at_once(
    s3: Any, package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    press = Matrix(s3)
    assert main(["upload", package, "--suite", "lab", "--batch", "b1"], press) == 1
    said = capsys.readouterr().err
    assert "debpress: Another upload used this batch name, b1: " in said
    assert "Upload this again with another --batch" in said and len(press.slept) == 2


def test_whoever_may_not_list_waits_for_the_result_all_the_same(
    s3: Any, package: str, intercept: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    intercept("s3.ListObjectsV2", refuse("AccessDenied", 10**6))
    sent = ["upload", package, "--suite", "lab", "--batch", "b1", "--timeout", "60"]
    assert main(sent, Matrix(s3)) == 1
    said = capsys.readouterr().err
    assert "No result after 60 s" in said and "answers another upload by this name" in said


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"<html>", json.dumps({**WHOLE, "manifest": None}).encode()],
)
def test_what_is_no_whole_result_is_told(
    s3: Any, package: str, capsys: pytest.CaptureFixture[str], body: bytes
) -> None:
    """Of which manifest it is, can't be known: waiting would only hide it."""
    s3.put_object(Bucket=BUCKET, Key="results/lab/main/b1.json", Body=body)
    assert main(["upload", package, "--suite", "lab", "--batch", "b1"], Press(s3)) == 1
    assert "results/lab/main/b1.json is not a result (" in capsys.readouterr().err


def test_the_same_manifest_again_waits_for_its_own_result(s3: Any, package: str) -> None:
    """Its ETag is the same; its version is not."""
    press = Press(s3, status="failed")
    assert main(["upload", package, "--suite", "lab", "--batch", "b1"], press) == 1
    assert main(["upload", package, "--suite", "lab", "--batch", "b1"], Press(s3)) == 0


def test_without_a_result_in_time_it_says_what_to_do(
    s3: Any, package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    press = Press(s3, after=-1)
    arguments = ["upload", package, "--suite", "lab", "--batch", "b1", "--timeout", "60"]
    assert main(arguments, press) == 1
    assert sum(press.slept) == pytest.approx(60)
    assert max(press.slept) <= waiting.LAST_DELAY
    error = capsys.readouterr().err
    assert "No result after 60 s" in error
    assert f"s3://{BUCKET}/results/lab/main/b1.json" in error
    assert "s3:GetObject" not in error


def refuse(code: str, until: int) -> Callable[..., Any]:
    """Makes a GetObject fail so often, with 403 and the code."""
    asked = 0

    def handler(**_: Any) -> tuple[Any, dict[str, Any]] | None:
        nonlocal asked
        asked += 1
        if asked > until:
            return None
        response = {
            "Error": {"Code": code, "Message": "said AWS"},
            "ResponseMetadata": {"HTTPStatusCode": 403},
        }
        raise ClientError(response, "GetObject")

    return handler


@pytest.fixture
def intercept(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[..., Any]], None]:
    """Puts a handler before every call of an operation (`s3.GetObject`) by the command."""
    make = aws.client
    handlers: list[tuple[str, Callable[..., Any]]] = []

    def client(*arguments: Any, **options: Any) -> Any:
        made = make(*arguments, **options)
        for operation, handler in handlers:
            made.meta.events.register(f"before-call.{operation}", handler)
        return made

    monkeypatch.setattr(aws, "client", client)
    return lambda operation, handler: handlers.append((operation, handler))


def test_a_missing_result_answered_403_is_not_there_yet(
    s3: Any, package: str, intercept: Callable[..., None]
) -> None:
    intercept("s3.GetObject", refuse("AccessDenied", 2))
    assert main(["upload", package, "--suite", "lab"], Press(s3)) == 0


def test_a_403_that_stays_is_named_when_the_time_is_up(
    s3: Any, package: str, intercept: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    intercept("s3.GetObject", refuse("AccessDenied", 10**6))
    assert main(["upload", package, "--suite", "lab", "--timeout", "9"], Press(s3)) == 1
    assert "s3:GetObject on results/lab/main/" in capsys.readouterr().err


def test_credentials_that_expire_while_waiting_end_it(
    s3: Any, package: str, intercept: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    intercept("s3.GetObject", refuse("InvalidAccessKeyId", 10**6))
    press = Press(s3)
    assert main(["upload", package, "--suite", "lab"], press) == 1
    assert press.slept == []
    assert "does not accept the credentials" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["hello_1.0_amd64.deb", "manifest.json"])
def test_an_upload_that_aws_refuses_is_one_sentence(
    s3: Any,
    package: str,
    intercept: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    refusal = refuse("AccessDenied", 10**6)

    def handler(params: dict[str, Any], **_: Any) -> Any:
        return refusal() if params["url_path"].endswith(name) else None

    intercept("s3.PutObject", handler)
    assert main(["upload", package, "--suite", "lab", "--batch", "b1"], Press(s3)) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("debpress: Can't ")
    assert f"s3://{BUCKET}/staging/lab/main/b1/{name}" in error
    assert ("Check --suite, --component and" in error) == (name != "manifest.json")
    assert "s3:PutObject" in error
    assert error.endswith("Nothing was published.")
    assert "staging/lab/main/b1/manifest.json" not in keys(s3)


def test_no_wait_prints_where_the_result_will_be(
    s3: Any, package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = FakeClock()
    assert main(["upload", package, "--suite", "lab", "--batch", "b1", "--no-wait"], clock) == 0
    assert capsys.readouterr().out == "results/lab/main/b1.json\n"
    arguments = ["upload", package, "--suite", "lab", "--batch", "b1", "--no-wait", "--json"]
    assert main(arguments, clock) == 0
    sent = json.loads(capsys.readouterr().out)
    head = s3.head_object(Bucket=BUCKET, Key="staging/lab/main/b1/manifest.json")
    assert sent["manifest"] == {
        "key": "staging/lab/main/b1/manifest.json",
        "etag": head["ETag"].strip('"'),
        "version_id": head["VersionId"],
    }
    assert clock.slept == []


def test_batches_named_for_nobody_sort_by_time_and_differ(s3: Any, package: str) -> None:
    clock = FakeClock()
    for _ in range(3):
        main(["upload", package, "--suite", "lab", "--no-wait"], clock)
        main(["upload", package, "--suite", "lab", "--no-wait"], clock)
        clock.advance(1)
    batches = [key.split("/")[3] for key in keys(s3) if key.endswith("manifest.json")]
    assert len(batches) == 6
    assert all(layout.BATCH.fullmatch(batch) for batch in batches)
    assert sorted({b.partition("-")[0] for b in batches}) == [
        "20261123T010203Z",
        "20261123T010204Z",
        "20261123T010205Z",
    ]


def test_a_broken_file_stops_all_before_a_byte_is_sent(
    s3: Any, package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = write(tmp_path, "broken.deb", b"<html>")
    assert main(["upload", package, str(broken), "--suite", "lab"], Press(s3)) == 1
    assert f"{broken}: deb-malformed: " in capsys.readouterr().err
    assert keys(s3) == []


def test_what_was_not_sent_is_in_the_json_and_on_the_run_s_page(
    s3: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = write(tmp_path, "broken.deb", b"<html>")
    page = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    assert main(["upload", str(broken), "--suite", "lab", "--json"], Press(s3)) == 1
    (error,) = json.loads(capsys.readouterr().out)["errors"]
    assert (error["file"], error["code"]) == (str(broken), "deb-malformed")
    assert page.read_text().startswith("### Not published to lab/main: not sent\n\n- ")
    assert "broken.deb: deb-malformed: " in page.read_text()


def test_an_upload_that_gets_no_answer_is_on_the_run_s_page(
    s3: Any, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    assert main(["upload", package, "--suite", "lab", "--timeout", "1"], Press(s3, after=-1)) == 1
    assert page.read_text().startswith(
        "### The upload to lab/main ended with an error\n\n- No result after 1 s."
    )


@pytest.mark.parametrize("arguments", [["--suite", "Lab"], ["--suite", "lab", "--suite", "lab"]])
def test_a_wrong_command_line_is_annotated(
    s3: Any,
    package: str,
    arguments: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with pytest.raises(SystemExit):
        main(["upload", package, *arguments], FakeClock())
    said = capsys.readouterr().err
    assert said.startswith("::error title=debpress upload%3A the command line is wrong::argument")
    assert keys(s3) == []


# Several suites


SEVERAL = ("--suite", "lab", "--suite", "fab", "--uploader", "web")


def test_one_batch_goes_to_several_suites_and_each_is_named(
    s3: Any,
    package: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    have = [
        {"suite": name, "generation": number, "release_date": "2026-11-23T01:01:04Z"}
        for name, number in (("lab", 42), ("fab", 7))
    ]
    press = Press(s3, packages=[HELLO], suites=have)
    assert main(["upload", package, *SEVERAL, "--batch", "1"], press) == 0
    body = s3.get_object(Bucket=BUCKET, Key="staging/lab/main/web.1/manifest.json")["Body"].read()
    assert manifest.parse("manifest.json", body).suites == ("lab", "fab")
    line = "sudo apt-get update && sudo apt-get install hello=1.0"
    assert capsys.readouterr().out.splitlines() == [
        "lab/main/web.1: published in lab, fab",
        "  lab: published in generation 42",
        "  fab: published in generation 7",
        "  added  hello  1.0  amd64",
        "On hosts of lab and fab:",
        f"  {line}",
    ]
    summary = (tmp_path / "summary.md").read_text("utf-8")
    assert summary.startswith("### Published to lab/main, fab/main\n")
    for each in ("lab, generation 42", "fab, generation 7"):
        assert f"\n{each}:\n\n```sh\n{line}\n```\n" in summary


def test_push_names_more_suites_and_one_that_is_behind_is_named(
    s3: Any, package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    have = [{"suite": "lab", "generation": 42, "release_date": "2026-11-23T01:01:04Z"}]
    errors = [{"file": "manifest.json", "code": "internal", "message": "fab is yet to follow"}]
    press = Press(s3, status="failed", generation=None, suites=have, errors=errors)
    assert main(["push", "lab", package, "--suite", "fab", "--batch", "web.1"], press) == 1
    said = capsys.readouterr()
    assert "  lab: published in generation 42\n  fab: not published\n" in said.out
    assert said.err.splitlines()[-1] == "manifest.json: internal: fab is yet to follow"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--suite", "lab", "--suite", "lab"], "the same suite is named twice"),
        ([f"--suite=s{number}" for number in range(9)], "9 suites, the most is 8"),
        (["--suite", "lab", "--suite", "fab"], "say --uploader NAME"),
        (["--suite", "lab", "--uploader", "we.b"], "argument --uploader"),
        (["--suite", "lab", "--uploader", "web", "--batch", "x" * 128], "is too long"),
    ],
)
def test_what_the_press_would_refuse_for_its_suites_is_a_usage_error(
    s3: Any, package: str, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["upload", package, *arguments], FakeClock())
    assert caught.value.code == 2 and said in capsys.readouterr().err
    assert keys(s3) == []


# Which bucket


def stack(name: str, outputs: dict[str, str]) -> Callable[..., Any]:
    """CloudFormation with one stack (moto's own would need many more packages)."""

    def handler(params: dict[str, Any], **_: Any) -> Any:
        if params["body"]["StackName"] != name:
            response = {
                "Error": {"Code": "ValidationError", "Message": "does not exist"},
                "ResponseMetadata": {"HTTPStatusCode": 400},
            }
            raise ClientError(response, "DescribeStacks")
        listed = [{"OutputKey": k, "OutputValue": v} for k, v in outputs.items()]
        return SimpleNamespace(status_code=200), {"Stacks": [{"Outputs": listed}]}

    return handler


@pytest.mark.parametrize("arguments", [[], ["--stack", "debpress"], ["--stack", "other"]])
def test_the_bucket_comes_from_the_stack(
    s3: Any,
    package: str,
    intercept: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
) -> None:
    """A stack that is asked for by name goes before DEBPRESS_BUCKET."""
    if arguments:
        monkeypatch.setenv("DEBPRESS_BUCKET", "another-bucket")
    else:
        monkeypatch.delenv("DEBPRESS_BUCKET")
    name = arguments[1] if arguments else "debpress-press"
    outputs = {"Root": "apt", "Bucket": BUCKET}
    intercept("cloudformation.DescribeStacks", stack(name, outputs))
    command = ["upload", package, "--suite", "lab", "--no-wait", *arguments]
    assert main(command, FakeClock()) == 0
    assert len(keys(s3)) == 2


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize(
    "cloudformation",
    [
        stack("another", {}),
        stack("debpress", {"Root": "apt"}),
        refuse("AccessDenied", 9),
        refuse("ExpiredToken", 9),
    ],
)
def test_no_bucket_at_all_is_a_usage_error(
    package: str,
    cloudformation: Callable[..., Any],
    intercept: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("DEBPRESS_BUCKET")
    intercept("cloudformation.DescribeStacks", cloudformation)
    with pytest.raises(SystemExit) as caught:
        main(["upload", package, "--suite", "lab"], FakeClock())
    assert caught.value.code == 2
    assert "say --bucket, set DEBPRESS_BUCKET, or say --stack" in capsys.readouterr().err


def test_an_interrupt_while_modules_load_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(subcommands, "import_module", stop)
    assert main(["upload", "a.deb"]) == 130


@pytest.mark.usefixtures("s3")
def test_a_bucket_that_does_not_exist_is_one_sentence(
    package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["upload", package, "--suite", "lab", "--bucket", "no-such-bucket-at-all"]
    assert main(arguments, FakeClock()) == 1
    assert "there is no such bucket" in capsys.readouterr().err


@pytest.mark.usefixtures("s3")
def test_no_credentials_are_one_sentence(
    package: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setattr(aws, "session", aws.session.__wrapped__)  # A new one: this has read none.
    assert main(["upload", package, "--suite", "lab"], FakeClock()) == 1
    assert "there are no AWS credentials" in capsys.readouterr().err


# The command itself


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["upload"],
        ["upload", "a.deb"],
        ["upload", "--suite", "lab"],
        ["upload", "a.deb", "--suite", "../lab"],
        ["upload", "a.deb", "--suite", "lab", "--component", "Main"],
        ["upload", "a.deb", "--suite", "lab", "--batch", ".hidden"],
        ["upload", "a.deb", "--suite", "lab", "--timeout", "soon"],
        ["upload", "a.deb", "--suite", "lab", "--timeout", "nan"],
        ["publish"],
    ],
)
def test_usage_errors_exit_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: debpress" in capsys.readouterr().err


def test_an_interrupt_names_the_batch_to_go_on_with(
    s3: Any, package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted(FakeClock):
        def sleep(self, seconds: float) -> None:
            raise KeyboardInterrupt

    assert main(["upload", package, "--suite", "lab", "--batch", "b1"], Interrupted()) == 130
    last = capsys.readouterr().err.splitlines()[-1]
    assert (
        last == "debpress: Interrupted. Run this again with --batch b1, which goes on from there."
    )


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert re.fullmatch(r"debpress \d+\.\d+\.\d+\n", capsys.readouterr().out)


class TestWhatTheConfigurationSays:
    """Told before a byte is sent, in the words of the press."""

    @pytest.fixture(autouse=True)
    def configured(self, s3: Any) -> None:
        team = {"name": "team", "packages": ["team-*"], "publishes": ["lab/main"]}
        given = {
            "uploaders": [team],
            "suites": [
                {"suite": "lab", "architectures": ["amd64"]},
                {"suite": "arm", "architectures": ["arm64"], "components": ["main", "extra"]},
            ],
        }
        body = json.dumps(config.as_json(config.parse(given))).encode()
        s3.put_object(Bucket=BUCKET, Key=layout.Layout.repository(), Body=body)

    @pytest.mark.parametrize(
        ("arguments", "code", "said"),
        [
            (["--suite", "lab-2"], "suite-unknown", "there is no suite 'lab-2' here; upload to"),
            (["--suite", "arm", "--component", "x"], "component-unknown", "main, extra"),
            (["--suite", "arm"], "architecture-unknown", "has no architecture 'amd64'"),
            (["--suite", "lab"], "uploader-unknown", "is no uploader's of lab/main; name it team."),
            (["--suite", "lab", "--uploader", "team"], "uploader-refused", "may not publish"),
            (["--suite", "lab", "--suite", "arm", "--uploader", "team"], "uploader-", "arm"),
        ],
    )
    def test_what_it_refuses_is_not_sent(
        self,
        s3: Any,
        package: str,
        capsys: pytest.CaptureFixture[str],
        arguments: list[str],
        code: str,
        said: str,
    ) -> None:
        before = keys(s3)
        assert main(["upload", package, *arguments], Press(s3)) == 1
        out, err = capsys.readouterr()
        assert code in err and said in err and not out and "manifest.json" not in err
        assert err.endswith("Nothing was sent: mend what is said above, and run this again.\n")
        assert keys(s3) == before

    def test_the_file_is_named_as_it_was(
        self, s3: Any, package: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["upload", package, "--suite", "arm"], Press(s3)) == 1
        assert f"{package}: architecture-unknown: " in capsys.readouterr().err

    def test_what_it_takes_is_sent(self, s3: Any, tmp_path: Path) -> None:
        ours = write(tmp_path, "team-a_1.0_all.deb", deb(control(Package="team-a")))
        sent = ["upload", str(ours), "--suite", "lab", "--uploader", "team"]
        assert main(sent, Press(s3)) == 0

    def test_a_check_by_the_suite_says_what_an_upload_would_of_the_architecture(
        self, s3: Any, package: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["check", package, "--suite", "lab"], Press(s3)) == 0
        capsys.readouterr()
        assert main(["check", package, "--suite", "arm"], Press(s3)) == 1
        out, err = capsys.readouterr()
        said = f"{package}: architecture-unknown: suite arm has no architecture 'amd64'; it has "
        assert not out and err == f"{said}all, arm64\n"
        assert main(["upload", package, "--suite", "arm"], Press(s3)) == 1
        assert err in capsys.readouterr().err
