"""An upload that breaks off at any moment, and goes on from there."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from debpress.commands import sending
from debpress.commands.main import main

from tests.support.clock import FakeClock
from tests.support.debs import control, deb, member
from tests.unit.test_commands_packages import write
from tests.unit.test_commands_upload import BUCKET, intercept, keys, s3  # noqa: F401

Intercept = Callable[[str, Callable[..., Any]], None]

STAGING = "staging/lab/main/b1/"
UPLOAD = ("--suite", "lab", "--batch", "b1", "--no-wait")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a", "b", "c", "d"):
        write(tmp_path, f"dist/{name}_1.0_all.deb", deb(control(Package=name)))
    return tmp_path / "dist"


class DyingStore:
    """What happens to each put, by a seed: it arrives, or the connection breaks before or after it
    did, or the credentials end, at which the command gives up."""

    def __init__(self, client: Any, before: Intercept, seed: int) -> None:
        self._s3 = client
        self._chances = random.Random(seed)
        self.there: set[str] = set()
        self.again: list[str] = []
        self.torn = False
        before("s3.PutObject", self._before)

    def start(self) -> None:
        """A command is about to begin."""
        self.there = set(keys(self._s3))

    def _before(self, params: dict[str, Any], **_: Any) -> None:
        key = params["url_path"].removeprefix(f"/{BUCKET}/").removeprefix("/")
        manifest = key.endswith("/manifest.json")
        if key in self.there and not manifest:
            self.again.append(key)
        if manifest and len(keys(self._s3)) < 4:
            self.torn = True
        chance = self._chances.random()
        if chance < 0.2:
            raise ConnectionClosedError(endpoint_url="https://s3.example")
        if chance < 0.3:
            self._s3.put_object(
                Bucket=BUCKET, Key=key, Body=params["body"].read() if not manifest else b"{}",
                Metadata={"sha256": params["headers"].get("x-amz-meta-sha256", "")},
            )  # fmt: skip
            raise ConnectionClosedError(endpoint_url="https://s3.example")
        if chance < 0.5:
            answer = {"Error": {"Code": "ExpiredToken"}, "ResponseMetadata": {}}
            raise ClientError(answer, "PutObject")


@pytest.mark.parametrize("seed", range(8))
def test_it_goes_on_wherever_it_was_cut(
    seed: int,
    s3: Any,  # noqa: F811
    folder: Path,
    intercept: Intercept,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = DyingStore(s3, intercept, seed)
    for _ in range(50):
        store.start()
        if main(["upload", str(folder), *UPLOAD], FakeClock()) == 0:
            break
        said = capsys.readouterr().err.splitlines()[-1]
        assert said.endswith("un this again with --batch b1, which goes on from there.")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    staged = {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys(s3)}
    assert {key for key in staged if not key.endswith(".deb")} == {f"{STAGING}manifest.json"}
    assert {name: staged[STAGING + name] for name in files} == files
    assert store.again == [], "what was there when the command began is not sent again"
    assert not store.torn, "the manifest comes last"


def test_a_cut_that_ends_is_waited_out_and_one_that_does_not_is_told(
    s3: Any,  # noqa: F811
    folder: Path,
    intercept: Intercept,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    left = 5

    def cut(params: dict[str, Any], **_: Any) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            raise ConnectionClosedError(endpoint_url="https://s3.example")

    intercept("s3.PutObject", cut)
    clock = FakeClock()
    assert main(["upload", str(folder), *UPLOAD], clock) == 0
    # Four files broke off together, one of them twice; then all was well.
    assert clock.slept == [1.0, 1.0]
    assert ". Trying again in 1 s.\n" in capsys.readouterr().err

    left, clock = 10**6, FakeClock()
    write(folder, "e_1.0_all.deb", deb(control(Package="e")))
    assert main(["upload", str(folder), *UPLOAD], clock) == 1
    assert clock.slept == list(sending.PAUSES)
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if "there already" in line] == [
        f"  {name}_1.0_all.deb (there already)" for name in "abcd"
    ]
    assert said[-1].startswith(f"debpress: Can't upload {folder}/e_1.0_all.deb to s3://{BUCKET}/")
    assert f"{STAGING}e_1.0_all.deb" not in keys(s3)


def test_a_large_file_that_broke_off_leaves_no_half_upload(
    s3: Any,  # noqa: F811
    tmp_path: Path,
    intercept: Intercept,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "PART", 8 << 20)
    big = deb() + member("_gpgorigin", b"x" * (9 << 20))
    path = write(tmp_path, "foo_1.0_all.deb", big)
    cut = [True]

    def second_part(params: dict[str, Any], **_: Any) -> None:
        if params["query_string"]["partNumber"] == 2 and cut and cut.pop():
            raise ConnectionClosedError(endpoint_url="https://s3.example")

    intercept("s3.UploadPart", second_part)
    clock = FakeClock()
    assert main(["upload", str(path), *UPLOAD], clock) == 0
    assert clock.slept == [1.0]
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)
    found = s3.get_object(Bucket=BUCKET, Key=f"{STAGING}{path.name}")
    assert found["Body"].read() == big


def test_what_is_there_with_other_bytes_is_sent_anew(
    s3: Any,  # noqa: F811
    folder: Path,
) -> None:
    key = f"{STAGING}a_1.0_all.deb"
    size = (folder / "a_1.0_all.deb").stat().st_size
    s3.put_object(Bucket=BUCKET, Key=key, Body=os.urandom(size), Metadata={"sha256": "0" * 64})
    assert main(["upload", str(folder), *UPLOAD], FakeClock()) == 0
    staged = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    assert staged == (folder / "a_1.0_all.deb").read_bytes()


@pytest.mark.parametrize(
    ("refused", "times"),
    [
        # CI's role, as it is deployed.
        (["s3.HeadObject", "s3.GetObject"], 1),
        # One of an earlier time, or of somebody's own making.
        (["s3.ListObjectsV2"], 1),
        (["s3.ListObjectsV2", "s3.HeadObject"], 2),
    ],
)
def test_who_may_list_or_read_what_is_staged_sends_it_once(
    refused: list[str],
    times: int,
    s3: Any,  # noqa: F811
    folder: Path,
    intercept: Intercept,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "PART", 5 << 20)
    big = write(folder, "foo_1.0_all.deb", deb() + member("_gpgorigin", b"x" * (6 << 20)))

    def refuse(**_: Any) -> None:
        answer = {"Error": {"Code": "403"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
        raise ClientError(answer, "HeadObject")

    for operation in refused:
        intercept(operation, refuse)
    for _ in range(2):
        assert main(["upload", str(folder), *UPLOAD], FakeClock()) == 0
    for name in (big.name, "a_1.0_all.deb"):
        found = s3.list_object_versions(Bucket=BUCKET, Prefix=f"{STAGING}{name}")["Versions"]
        assert len(found) == times
    # Others of the same size are not taken for it.
    write(folder, "a_1.0_all.deb", deb(control(Package="a", Description="B")))
    assert main(["upload", str(folder), *UPLOAD], FakeClock()) == 0
    staged = s3.get_object(Bucket=BUCKET, Key=f"{STAGING}a_1.0_all.deb")["Body"].read()
    assert staged == (folder / "a_1.0_all.deb").read_bytes()
