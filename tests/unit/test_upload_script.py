"""clients/upload-debs.sh, before an `aws` command that has the results which are golden."""

from __future__ import annotations

import json
import os
import re
import subprocess
import textwrap
from collections.abc import Callable, Sequence
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest
from debpress import codec
from debpress.commands import joblog, text
from debpress.commands.gathering import gather
from debpress.commands.sending import manifest_of
from debpress.records.result import Result

from local import paths
from tests.support.debs import control, deb
from tests.support.documents import blocks
from tests.unit.test_commands_packages import write
from tests.unit.test_gathering import listing, signed

SCRIPT = paths.ROOT / "clients/upload-debs.sh"
RESULTS = sorted((paths.ROOT / "tests/golden").glob("results__*.json"))

# It keeps what was put as the manifest.
AWS = """#!/bin/sh
case "$*" in
  *put-object*)
    while [ $# -gt 0 ]; do
      case $1 in --body) cp "$2" "$RESULT.body" ;; --key) printf %s "$2" >"$RESULT.key" ;; esac
      shift
    done
    printf '"the-etag"\\t%s\\n' "${VERSION-the/version+1}"
    ;;
  *" s3://packages/results/"*) cat "$RESULT" ;;
  *list-objects-v2*) cat "$RESULT.listed" ;;
  *--no-progress*) echo "${5##*/}" >>"$RESULT.sent" ;;
  *) echo "unexpected: $*" >&2; exit 1 ;;
esac
"""

NINE = [word for number in range(9) for word in ("--suite", f"s{number}")]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the script on one file, `a_1_all.deb`, which it finds; `result` is what the press
    answers."""
    aws = tmp_path / "bin/aws"
    aws.parent.mkdir()
    aws.write_text(AWS)
    aws.chmod(0o755)
    (tmp_path / "a_1_all.deb").touch()

    def call(
        *arguments: str,
        result: str = "",
        shell: str = "sh",
        script: Path = SCRIPT,
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        (tmp_path / "result.json").write_text(result, "utf-8")
        return subprocess.run(
            [shell, script, *arguments],
            cwd=tmp_path,
            env={
                "PATH": f"{aws.parent}{os.pathsep}{os.environ['PATH']}",
                "RESULT": str(tmp_path / "result.json"),
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return call


def answer(body: dict[str, Any]) -> dict[str, Any]:
    """The result as the answer to what the script uploads."""
    same = {"etag": "the-etag", "version_id": "the/version+1"}
    return {**body, "manifest": {**body["manifest"], **same}}


def named(suites: Sequence[str]) -> list[str]:
    return [word for suite in suites for word in ("--suite", suite)]


def words(printed: str) -> list[str]:
    return [" ".join(line.split()) for line in printed.splitlines()]


@pytest.mark.parametrize("golden", RESULTS, ids=lambda path: path.stem)
def test_each_result_is_reported_as_the_command_reports_it(
    golden: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    body = answer(json.loads(golden.read_text("utf-8")))
    batch = body["batch"]
    suites = [batch["suite"], "trixie"] if "suites" in body else [batch["suite"]]
    result = codec.decode(Result, body)
    joblog.report(result, suites)
    text.print_errors([codec.encode(each) for each in result.errors])
    wanted = capsys.readouterr()

    done = run(
        *("--bucket", "packages", *named(suites), "--component", batch["component"]),
        *("--batch", batch["id"], "a_1_all.deb"),
        # The contract does not promise how it is laid out.
        result=json.dumps(body, indent=len(batch["id"]) % 2 * 2 or None),
    )

    assert done.returncode == (0 if body["status"] == "published" else 1)
    assert words(done.stdout)[1:] == words(wanted.out)
    # The script leaves JSON's escapes of other characters as they are.
    assert words(done.stderr) == words(wanted.err.replace("é", "\\u00e9"))


def test_a_message_with_quotes_backslashes_and_what_json_is_made_of(run: Run) -> None:
    golden = json.loads((paths.ROOT / "tests/golden/results__stable__main__b2.json").read_text())
    odd = 'it says "Depends: a | b", {"x":[1]} and a backslash \\ and \\'
    golden["errors"] = [{"file": "a_1_all.deb", "code": "field-invalid", "message": odd}]
    done = run(
        *("--bucket", "packages", "--suite", "stable", "a_1_all.deb"),
        result=json.dumps(answer(golden)),
    )
    assert done.stderr.splitlines() == [f"a_1_all.deb: field-invalid: {odd}"]
    assert done.returncode == 1


def test_github_shows_a_refusal_at_the_file_and_folds_the_rest(run: Run) -> None:
    golden = json.loads((paths.ROOT / "tests/golden/results__stable__main__b2.json").read_text())
    golden["errors"] = [
        {"file": "a_1_all.deb", "code": "deb-malformed", "message": "100% wrong,\n"}
    ]
    done = run(
        *("--bucket", "packages", "--suite", "stable", "--", "./a_1_all.deb"),
        result=json.dumps(answer(golden)),
        GITHUB_ACTIONS="true",
    )
    assert done.stdout.count("::group::") == done.stdout.count("::endgroup::") == 2
    assert done.stderr.splitlines()[0] == (
        "::error file=./a_1_all.deb,title=a_1_all.deb%3A deb-malformed::100%25 wrong,\\n"
    )


@pytest.mark.parametrize(
    ("batch", "suites"),
    [
        ("stable__main__b1", ["stable"]),
        ("stable__main__b2", ["stable"]),
        ("bookworm__main__web.1", ["bookworm", "trixie"]),
        ("bookworm__main__web.2", ["bookworm", "trixie"]),
    ],
)
@pytest.mark.parametrize("where", ["GITHUB_ACTIONS", "GITLAB_CI"])
def test_the_command_marks_a_log_as_the_script_does(
    where: str,
    batch: str,
    suites: list[str],
    run: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = json.loads((paths.ROOT / f"tests/golden/results__{batch}.json").read_text())
    said = "50%, and: <b>*no*</b> `_` [x](y) \\ | ~ & # @"
    body["errors"] = [{"file": "a_1_all.deb", "code": "deb-malformed", "message": said}]
    body = answer(body)
    scripts, commands = tmp_path / "scripts.md", tmp_path / "commands.md"
    done = run(
        *("--bucket", "packages", *named(suites)),
        *("--batch", body["batch"]["id"], "--", "./a_1_all.deb"),
        result=json.dumps(body),
        **{where: "true", "GITHUB_STEP_SUMMARY": str(scripts)},
    )
    monkeypatch.setenv(where, "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(commands))
    result = codec.decode(Result, body)
    joblog.summarise(result, suites)
    joblog.report(result, suites)
    joblog.print_errors([codec.encode(each) for each in result.errors], [Path("x/../a_1_all.deb")])
    printed = capsys.readouterr()

    def marks(log: str) -> list[str]:
        same = re.sub(r"(section_\w+):\d+", r"\1:NOW", log.replace("x/../", "./"))
        return words(same.replace("\r", "\n"))

    wanted = marks(printed.out)
    assert marks(done.stdout)[-len(wanted) :] == wanted
    assert marks(done.stderr) == marks(printed.err)
    assert commands.read_text("utf-8") == scripts.read_text("utf-8")


def test_for_several_suites_the_manifest_is_the_command_s(run: Run, tmp_path: Path) -> None:
    """But for the files' sizes, which may be left out."""
    packages = [
        write(tmp_path, f"{n}_1_all.deb", deb(control(Package=n, Version="1")))
        for n in ("a", "b+c")
    ]
    body = json.loads((paths.ROOT / "tests/golden/results__bookworm__main__web.1.json").read_text())
    done = run(
        *("--bucket", "packages", *named(["bookworm", "trixie"]), "--uploader", "web"),
        *("--batch", "1", *(path.name for path in packages)),
        result=json.dumps(answer(body)),
    )
    assert done.returncode == 0, done.stderr
    key = (tmp_path / "result.json.key").read_text()
    assert key == "staging/bookworm/main/web.1/manifest.json"
    wanted = json.loads(manifest_of(gather(packages).packages, ("bookworm", "trixie")))
    for file in wanted["files"]:
        del file["size"]
    assert json.loads((tmp_path / "result.json.body").read_text()) == wanted


def test_of_a_batch_that_was_begun_it_sends_what_is_lacking(run: Run, tmp_path: Path) -> None:
    (tmp_path / "l_1_all.deb").write_bytes(large := bytes(range(256)) * (9 << 12))
    part = 8 << 20
    parts = b"".join(md5(large[at : at + part]).digest() for at in range(0, len(large), part))
    for name in ("b", "c", "d"):
        (tmp_path / f"{name}_1_all.deb").write_bytes(b"x")
    rows = {
        "a_1_all.deb": (0, md5(b"").hexdigest()),
        "b_1_all.deb": (1, md5(b"y").hexdigest()),
        "c_1_all.deb": (2, md5(b"x").hexdigest()),
        "l_1_all.deb": (len(large), f"{md5(parts).hexdigest()}-2"),
    }
    listed = (f'staging/s/main/b1/{name}\t{size}\t"{tag}"\n' for name, (size, tag) in rows.items())
    (tmp_path / "result.json.listed").write_text("".join(listed))
    files = sorted(path.name for path in tmp_path.glob("*.deb"))
    place = ("--bucket", "packages", "--suite", "s", "--no-wait")
    done = run(*place, "--batch", "b1", *files)
    assert done.returncode == 0, done.stderr
    sent = tmp_path / "result.json.sent"
    assert sent.read_text().split() == ["b_1_all.deb", "c_1_all.deb", "d_1_all.deb"]
    assert "  l_1_all.deb (there already)\n" in done.stdout
    # A name of its own was never begun; and who may not list sends all.
    for gone, more in ((False, ()), (True, ("--batch", "b1"))):
        sent.unlink()
        if gone:
            (tmp_path / "result.json.listed").unlink()
        assert run(*place, *more, *files).returncode == 0
        assert sent.read_text().split() == files


@pytest.fixture
def changes(tmp_path: Path) -> Path:
    """It lists a package and a source, and is signed by nobody's key."""
    debian = deb(control(Package="b+c", Version="1"))
    package = write(tmp_path, "dist/b+c_1_all.deb", debian).name
    body = listing((package, debian), ("b+c_1.dsc", b"Format: 3.0\n"))
    text = body.rstrip() + b"\nFiles:\n " + b"0" * 32 + b" 1 misc optional x.deb\n"
    return write(tmp_path, "dist/b+c_1_all.changes", signed(text))


def test_a_changes_is_the_manifest_as_it_is(run: Run, changes: Path, tmp_path: Path) -> None:
    place = ("--bucket", "packages", "--suite", "stable", "--no-wait")
    done = run(*place, "--batch", "b1", "dist/b+c_1_all.changes")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "results/stable/main/b1.json")
    assert done.stderr == (
        "dist/b+c_1_all.changes: not sent, since debpress publishes binary packages alone: "
        "b+c_1.dsc\n"
    )
    key = (tmp_path / "result.json.key").read_text()
    assert key == "staging/stable/main/b1/b+c_1_all.changes"
    assert (tmp_path / "result.json.body").read_bytes() == changes.read_bytes()

    several = run(*place, "--suite", "testing", "--uploader", "web", str(changes))
    assert several.returncode == 0
    written = json.loads((tmp_path / "result.json.body").read_text())
    assert [file["name"] for file in written["files"]] == ["b+c_1_all.deb"]


def test_what_is_not_as_a_changes_says_is_not_sent(run: Run, changes: Path) -> None:
    place = ("--bucket", "packages", "--suite", "stable")
    mixed = run(*place, "a_1_all.deb", "dist/b+c_1_all.changes")
    assert "a .changes is named alone\n" in mixed.stderr
    (changes.parent / "b+c_1_all.deb").write_bytes(b"again")
    done = run(*place, "dist/b+c_1_all.changes")
    assert (mixed.returncode, done.returncode, done.stdout) == (1, 1, "")
    assert done.stderr.splitlines()[-2:] == [
        "dist/b+c_1_all.deb: is not what b+c_1_all.changes lists; build both again, or name the "
        "one that it lists",
        "upload-debs.sh: nothing was sent; mend what is said above",
    ]
    for body, said in ((b"<html>\n", "lists no .deb file"), (None, "is not there")):
        changes.write_bytes(body) if body else changes.unlink()
        assert f"dist/b+c_1_all.changes: {said}" in run(*place, "dist/b+c_1_all.changes").stderr


@pytest.mark.parametrize("earlier", [{"etag": "another"}, {"version_id": "an earlier one"}])
def test_an_answer_to_another_upload_is_no_answer(run: Run, earlier: dict[str, str]) -> None:
    answered = answer(json.loads(RESULTS[0].read_text("utf-8")))
    body = json.dumps({**answered, "manifest": {**answered["manifest"], **earlier}})
    done = run("--bucket", "packages", "--suite", "stable", "--timeout", "0", "a_1_all.deb",
               result=body)  # fmt: skip
    assert done.returncode == 1
    assert "no result after 0 s" in done.stderr and "run this again" in done.stderr


def test_an_upload_in_whose_place_another_came_is_told_so_at_once(run: Run, tmp_path: Path) -> None:
    body = answer(json.loads(RESULTS[0].read_text("utf-8")))
    body["manifest"]["etag"] = "another"
    place = ("--bucket", "packages", "--suite", "s", "--batch", "b1", "--timeout", "0")
    said = []
    for manifest, etag in (("SHA256SUMS", "another"), ("SHA256SUMS", "the-etag"), ("x", "another")):
        (tmp_path / "result.json.listed").write_text(f'staging/s/main/b1/{manifest}\t"{etag}"\n')
        done = run(*place, "a_1_all.deb", result=json.dumps(body))
        assert done.returncode == 1
        said.append(done.stderr)
    assert "another upload used this batch name, b1: " in said[0]
    for each in said[1:]:
        assert "no result after 0 s" in each and "answers another upload by this name" in each


def test_where_the_bucket_has_no_versions_the_etag_is_enough(run: Run) -> None:
    body = answer(json.loads(RESULTS[0].read_text("utf-8")))
    body["manifest"]["version_id"] = None
    done = run("--bucket", "packages", "--suite", "stable", "--timeout", "0", "a_1_all.deb",
               result=json.dumps(body), VERSION="None")  # fmt: skip
    assert "no result after" not in done.stderr


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        ("An error occurred (AccessDenied) when calling", "check --suite, --component and"),
        ("An error occurred (NoSuchBucket) when calling", "check the bucket's name"),
        ("Unable to locate credentials", "give the job a role"),
        ("Could not connect to the endpoint URL", "run this again"),
    ],
)
def test_what_aws_refuses_is_told_last_with_what_to_do(
    answer: str, advice: str, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "bin/aws").write_text(f"#!/bin/sh\necho\necho '{answer}' >&2\nexit 1\n")
    done = run("--bucket", "b", "--suite", "s", "a_1_all.deb", GITHUB_ACTIONS="true")
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1 and last.startswith("upload-debs.sh: a_1_all.deb could not be")
    assert f"({answer}): nothing was published; {advice}" in last
    assert f"::error title=not published::{last.partition(': ')[2]}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say --bucket"),
        (["--bucket", "b"], "say --suite"),
        (["--bucket", "b", "--suite", "Stable", "a_1_all.deb"], "'Stable' is no suite's name"),
        (["--bucket", "b", "--suite", "s", "--component", "a/b", "a_1_all.deb"], "no component's"),
        (
            ["--bucket", "b", "--suite", "s", "--batch", ".x", "a_1_all.deb"],
            "letter or digit first",
        ),
        (["--bucket", "b", "--suite", "s", "--batch", "x" * 129, "a_1_all.deb"], "up to 128"),
        (["--bucket", "b", "--suite", "s", "--timeout", "soon", "a_1_all.deb"], "no number"),
        (["--bucket", "b", "--suite", "s", "--fast", "a_1_all.deb"], "there is no option --fast"),
        (["--bucket", "b", "--suite"], "--suite needs a value"),
        (["--bucket", "b", *("--suite", "s") * 2, "a_1_all.deb"], "is named twice"),
        (["--bucket", "b", "--suite", "s t", "a_1_all.deb"], "'s t' is no suite's name"),
        (["--bucket", "b", "--suite", "s", "--suite", "t", "a_1_all.deb"], "say --uploader NAME"),
        (["--bucket", "b", "--suite", "s", "--uploader", "a.b", "a_1_all.deb"], "no uploader's"),
        (["--bucket", "b", *NINE, "--uploader", "web", "a_1_all.deb"], "the most are 8"),
        (["--bucket", "b", "--suite", "s"], "name the .deb files"),
    ],
)
def test_a_command_line_that_can_not_be_obeyed_ends_with_2(
    arguments: list[str], said: str, run: Run
) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_all_that_is_wrong_with_the_files_is_said_before_any_is_sent(run: Run) -> None:
    done = run("--bucket", "b", "--suite", "s", "a_1_all.deb", "./a_1_all.deb", "b c.deb",
               "notes.txt", "gone_1_all.deb", "dist/*.deb")  # fmt: skip
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.splitlines() == [
        "./a_1_all.deb: is named twice",
        "b c.deb: has a character that no package's file name has",
        "notes.txt: is no .deb file",
        "gone_1_all.deb: is not there",
        "dist/*.deb: is not there, and no file is like it",
        "upload-debs.sh: nothing was sent; mend what is said above",
    ]


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_summary_that_can_not_be_written_makes_no_job_red(
    shell: str, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    body = answer(
        json.loads((paths.ROOT / "tests/golden/results__stable__main__b1.json").read_text())
    )
    gone = str(tmp_path / "gone/summary.md")
    done = run("--bucket", "packages", "--suite", "stable", "a_1_all.deb", shell=shell,
               result=json.dumps(body), GITHUB_STEP_SUMMARY=gone)  # fmt: skip
    note = f"note: the run's page gets no summary: {gone}"
    assert done.returncode == 0 and done.stderr == f"{note} can't be written\n"

    monkeypatch.setenv("GITHUB_STEP_SUMMARY", gone)
    joblog.summarise(codec.decode(Result, body), ["stable"])
    assert capsys.readouterr().err == f"{note}: No such file or directory\n"


def test_what_was_not_sent_or_not_answered_is_on_the_run_s_page(run: Run, tmp_path: Path) -> None:
    page = tmp_path / "summary.md"
    place = ("--bucket", "packages", "--suite", "s", "--timeout", "0")
    assert run(*place, "a*_1.deb", GITHUB_STEP_SUMMARY=str(page)).returncode == 1
    assert page.read_text() == (
        "### Not published to s/main: not sent\n\n"
        "- a\\*\\_1.deb: is not there, and no file is like it\n"
    )
    page.unlink()
    (tmp_path / "result.json").unlink()
    assert run(*place, "a_1_all.deb", GITHUB_STEP_SUMMARY=str(page)).returncode == 1
    title, _, line = page.read_text().partition("\n\n")
    assert title == "### The upload to s/main ended with an error"
    assert line.startswith("- no result after 0 s. The batch may still be published")


def test_no_name_of_a_file_is_a_command_to_github(run: Run, changes: Path) -> None:
    """Each line of a log that begins with two colons is one."""
    evil = "b_1_all.deb\n::add-mask::x\x1b[2J"
    place = ("--bucket", "packages", "--suite", "s")
    listed = changes.read_text().replace("b+c_1.dsc", "b\x1b[2J.dsc")
    changes.write_text(listed)
    for words in ((evil,), (str(changes),), ("--component", evil, "a_1_all.deb")):
        done = run(*place, "--no-wait", *words, GITHUB_ACTIONS="true")
        said = done.stdout + done.stderr
        assert "b?[2J.dsc" in said or "b_1_all.deb?::add-mask::x?[2J" in said
        assert "\x1b" not in said and "\n::add-mask" not in said


def test_who_interrupts_it_is_told_how_to_go_on(tmp_path: Path, run: Run) -> None:
    aws = tmp_path / "bin/aws"
    aws.write_text("#!/bin/sh\nkill -INT $PPID\n")
    done = run("--bucket", "packages", "--suite", "s", "--batch", "b1", "a_1_all.deb")
    assert done.returncode == 130
    assert "interrupted; run this again with --batch b1, which goes on" in done.stderr


def test_the_action_names_each_pattern_that_no_file_is_like(run: Run, tmp_path: Path) -> None:
    action = (paths.ROOT / "clients/github/action.yml").read_text("utf-8")
    step = tmp_path / "step.sh"
    step.write_text("set -eo pipefail\n" + textwrap.dedent(action.partition("run: |\n")[2]))
    inputs = {
        **{"PACKAGES": "*.deb gone/*.deb", "SUITE": "s", "DEBPRESS_BUCKET": "packages"},
        **{"COMPONENT": "main", "TIMEOUT": "0", "GITHUB_ACTIONS": "true"},
        "GITHUB_ACTION_PATH": str(paths.ROOT / "clients/github"),
    }
    done = run(shell="bash", script=step, **inputs)
    assert (
        done.returncode == 1 and "gone/*.deb: is not there, and no file is like it" in done.stderr
    )
    assert "::error file=gone/*.deb,title=not sent::" in done.stdout


def test_the_page_s_commands_for_aws_alone_end_at_what_fails(run: Run, tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/a_1_all.deb").touch()
    upload, wait, *_ = blocks("docs/ci.md", "With the aws command alone")
    script = tmp_path / "page.sh"
    script.write_text(upload + wait.replace("sleep 5", "exit 3"))
    aws = tmp_path / "bin/aws"
    said = 'refuses {"x": [1]} and \\ "}"'
    errors = [{"code": "c", "file": "f{}.deb", "message": each} for each in (said, "b")]
    other = {"etag": "the-etag", "packages": [{"package": "a", "size": 1}], "status": "rejected"}
    body = json.dumps({**other, "errors": errors})
    # The result is where the page copies it to.
    aws.write_text("#!/bin/sh\ncase $2 in put-object) echo '\"the-etag\"' ;; esac\n")
    red = run(script=script, result=body)
    assert red.returncode == 1
    assert [json.loads(line) for line in red.stderr.splitlines()] == errors

    aws.write_text("#!/bin/sh\ncase $2 in put-object) echo AccessDenied >&2; exit 254 ;; esac\n")
    denied = run(script=script, result=body)
    assert (denied.returncode, denied.stderr) == (254, "AccessDenied\n")
