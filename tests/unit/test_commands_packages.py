"""What the command finds wrong with files before it sends a byte."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest
from debpress.commands.packages import examine
from debpress.errors import Code

MAGIC = b"!<arch>\n"


def member(name: str, body: bytes) -> bytes:
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(body):<10}`\n".encode()
    return header + body + b"\n" * (len(body) % 2)


def deb(seed: int = 1) -> bytes:
    data = random.Random(seed).randbytes(501)
    return (
        MAGIC
        + member("debian-binary", b"2.0\n")
        + member("control.tar.xz", b"control")
        + member("data.tar.xz", data)
    )


def write(folder: Path, name: str, body: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def codes(*paths: Path) -> list[Code]:
    return [refusal.code for refusal in examine(paths)[1]]


def test_packages_are_summed(tmp_path: Path) -> None:
    path = write(tmp_path, "hello_1.0+b1~rc1_amd64.deb", deb())
    packages, refusals = examine([path])
    assert refusals == []
    assert packages[0].name == path.name
    assert packages[0].size == len(deb())
    assert packages[0].sha256 == hashlib.sha256(deb()).hexdigest()


def test_a_last_member_may_go_without_its_padding(tmp_path: Path) -> None:
    assert codes(write(tmp_path, "a.deb", deb()[:-1])) == []


@pytest.mark.parametrize("end", [9, 60, 70, 150, 300, 500])
def test_a_file_cut_short_is_truncated(tmp_path: Path, end: int) -> None:
    assert codes(write(tmp_path, "a.deb", deb()[:end])) == [Code.DEB_TRUNCATED]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>404 Not Found</html>",
        MAGIC + member("control.tar.xz", b"x") + member("debian-binary", b"2.0\n"),
        MAGIC + member("debian-binary", b"2.0\n") + b"x" * 60,
        MAGIC + member("debian-binary", b"2.0\n").replace(b"4 ", b"-4"),
    ],
)
def test_what_is_no_package_is_malformed(tmp_path: Path, body: bytes) -> None:
    assert codes(write(tmp_path, "a.deb", body)) == [Code.DEB_MALFORMED]


def test_an_archive_of_nothing_is_truncated(tmp_path: Path) -> None:
    assert codes(write(tmp_path, "a.deb", MAGIC)) == [Code.DEB_TRUNCATED]


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    paths = [
        tmp_path / "absent.deb",
        write(tmp_path, "one/a.deb", deb()),
        write(tmp_path, "two/a.deb", deb(2)),
        write(tmp_path, "notes.txt", b""),
        write(tmp_path, "folder.deb/file", b"").parent,
    ]
    packages, refusals = examine(paths)
    assert [package.path for package in packages] == [paths[1]]
    assert [(refusal.file, refusal.code) for refusal in refusals] == [
        (str(paths[0]), Code.FILE_MISSING),
        (str(paths[2]), Code.NAME_DUPLICATE),
        (str(paths[3]), Code.NAME_UNSAFE),
        (str(paths[4]), Code.FILE_MISSING),
    ]
