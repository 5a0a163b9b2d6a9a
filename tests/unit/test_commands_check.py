"""`debpress check`: packages are judged as the press judges them, and nothing is sent."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from debpress.commands.main import main

from tests.support import debs


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "foo_1.0_all.deb"
    path.write_bytes(debs.deb())
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """Wrong beyond the start of a data.tar that is larger than the press would walk."""
    noise = debs.entry(b"./etc/noise", bytes(40 * 10**6))
    path = tmp_path / "bad.deb"
    path.write_bytes(debs.deb(data_form="", data=noise + debs.entry(b"./opt/none/x")))
    return path


def test_good_ones_are_named(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(good)]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == (f"good: {good}: foo 1.0 all\n", "")


def test_what_is_wrong_is_told_of_each(
    good: Path, bad: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(good), str(bad), str(tmp_path / "absent.deb")]) == 1
    said = capsys.readouterr()
    assert said.out == f"good: {good}: foo 1.0 all\n"
    lines = said.err.splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        [str(bad), "deb-malformed"],
        [str(tmp_path / "absent.deb"), "file-missing"],
    ]
    assert "no entry for its folder" in lines[0]


def test_programs_get_json(good: Path, bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--json", str(good), str(bad)]) == 1
    said = json.loads(capsys.readouterr().out)
    body = good.read_bytes()
    assert said["packages"] == [
        {"file": str(good), "package": "foo", "version": "1.0", "architecture": "all",
         "sha256": hashlib.sha256(body).hexdigest(), "size": len(body)}
    ]  # fmt: skip
    (error,) = said["errors"]
    assert (error["file"], error["code"]) == (str(bad), "deb-malformed")


def test_a_wrong_command_line_is_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["check"])
    assert caught.value.code == 2
