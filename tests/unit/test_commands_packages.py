"""What the command finds wrong with files before it sends a byte."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest
from debpress import deb
from debpress.commands.packages import examine
from debpress.errors import Code, RejectedError

from tests.corpus import Case, good, packages
from tests.support import debs
from tests.support.debs import Bytes, control

FOO = debs.deb()


def write(folder: Path, name: str, body: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def codes(*paths: Path) -> list[Code]:
    return [refusal.code for refusal in examine(paths)[1]]


def test_packages_are_summed(tmp_path: Path) -> None:
    body = debs.deb(control(Package="hello", Version="1.0+b1~rc1", Architecture="amd64"))
    path = write(tmp_path, "hello_1.0+b1~rc1_amd64.deb", body)
    packages, refusals = examine([path])
    assert refusals == []
    assert packages[0].name == path.name
    assert packages[0].size == len(body)
    assert packages[0].sha256 == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("end", [9, 60, 70, 150, len(FOO) - 100, len(FOO) - 1])
def test_a_download_cut_short_says_so(tmp_path: Path, end: int) -> None:
    path = write(tmp_path, "a.deb", FOO[:end])
    found = {refusal.code: refusal.message for refusal in examine([path])[1]}
    assert "cut short" in found[Code.DEB_TRUNCATED]


def test_an_empty_file_says_so(tmp_path: Path) -> None:
    (refusal,) = examine([write(tmp_path, "a.deb", b"")])[1]
    assert (refusal.code, refusal.message[:8]) == (Code.DEB_TRUNCATED, "is empty")


@pytest.mark.parametrize(
    "body",
    [
        b"<html>404 Not Found</html>",
        debs.ar([("debian-binary", b"2.0\n")]) + b"x" * 60,
        FOO.replace(b"debian-binary", b"another-thing"),
    ],
)
def test_what_is_no_package_is_malformed(tmp_path: Path, body: bytes) -> None:
    assert Code.DEB_MALFORMED in codes(write(tmp_path, "a.deb", body))


# All but what depends on a suite's architectures: CI can't read the configuration.
BAD = [case for case in packages.bad() if "architecture-unknown" not in dict(case.errors).values()]


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_whatever_admission_would_refuse_is_refused_here_in_its_words(
    tmp_path: Path, case: Case
) -> None:
    paths = [write(tmp_path, name, body) for name, body in case.files.items()]
    sent, refusals = examine(paths)
    found = [(Path(r.file).name, r.code, r.message) for r in refusals]
    assert sorted(found) == sorted(said_by_admission(case.files))
    assert sorted((file, code) for file, code, _ in found) == sorted(case.errors)
    assert {each.name for each in sent} == set(case.files) - {file for file, _, _ in found}


def said_by_admission(files: Mapping[str, bytes]) -> list[tuple[str, Code, str]]:
    said: list[tuple[str, Code, str]] = []
    for name, body in files.items():
        try:
            deb.inspect(name, Bytes(body), len(body))
        except RejectedError as error:
            said += ((each.file, each.code, each.message) for each in error.refusals)
    return said


def test_whatever_admission_would_take_is_taken(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / case.name, name, body)
        for case in good.good()
        for name, body in case.files.items()
        if name.endswith(".deb") and name not in case.ignored
    ]
    assert len(paths) > 100
    assert [refusal for path in paths for refusal in examine([path])[1]] == []


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    paths = [
        tmp_path / "absent.deb",
        write(tmp_path, "one/a.deb", FOO),
        write(tmp_path, "two/a.deb", FOO),
        write(tmp_path, "notes.txt", b""),
        write(tmp_path, "folder.deb/file", b"").parent,
        write(tmp_path, "b.deb", debs.deb(control(Version=None, Depends="a (1.0"))),
    ]
    packages, refusals = examine(paths)
    assert [package.path for package in packages] == [paths[1]]
    assert [(refusal.file, refusal.code) for refusal in refusals] == [
        (str(paths[0]), Code.FILE_MISSING),
        (str(paths[2]), Code.NAME_DUPLICATE),
        (str(paths[3]), Code.NAME_UNSAFE),
        (str(paths[4]), Code.FILE_MISSING),
        (str(paths[5]), Code.FIELD_MISSING),
        (str(paths[5]), Code.RELATION_MALFORMED),
    ]
