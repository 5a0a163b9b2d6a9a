"""The .deb files on this machine that are about to be sent, or are only to be checked."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from debpress import deb
from debpress.errors import Code, Refusal, RejectedError

Count = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class LocalPackage:
    """A file to upload. `sha256` is hex, `size` bytes; `identity` is what its control file says:
    name, version, architecture. `built_for` is the architecture, or its variant if it has one.
    `lived_with` is what was passed over, as hosts can live with it."""

    path: Path
    sha256: str
    size: int
    identity: tuple[str, str, str]
    built_for: str
    lived_with: tuple[Refusal, ...] = ()

    @property
    def name(self) -> str:
        return self.path.name


def examine(
    paths: Sequence[Path], count: Count | None = None, *, as_published: bool = False
) -> tuple[list[LocalPackage], list[Refusal]]:
    """Reads every file whole, and unpacks it in memory to its end. What is wrong with the packages
    themselves is told here, as admission would tell it, before any byte is sent, and of all the
    files at once. `count` is told the size in bytes of each that is good. `as_published`: what
    hosts can live with is noted, and not refused."""
    packages: list[LocalPackage] = []
    refusals: list[Refusal] = []
    seen: set[str] = set()
    for path in paths:
        try:
            packages.append(_examine(path, seen, as_published=as_published))
            if count is not None:
                count(packages[-1].size)
        except RejectedError as error:
            refusals += (Refusal(str(path), each.code, each.message) for each in error.refusals)
    return packages, refusals


def told(look: Callable[[], bool]) -> bool:
    """What `look` says of a path; False where nobody may look at it, or its name is none."""
    try:
        return look()
    except OSError:
        return False


def _examine(path: Path, seen: set[str], *, as_published: bool) -> LocalPackage:
    """Reads one file; `seen` are the names of the files before it. Raises RejectedError."""
    if path.name in seen:
        raise _refused(
            Code.NAME_DUPLICATE,
            "another file of this batch has the same name; leave one of them out",
        )
    seen.add(path.name)
    if not path.name.endswith(".deb"):
        message = "the name does not end in .deb; name packages, a folder of them, or a .changes"
        raise _refused(Code.NAME_UNSAFE, message)
    if not told(path.is_file):
        raise _refused(Code.FILE_MISSING, "there is no such file, or none that may be looked at")
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            found, lived_with = inspected(
                path.name, _File(file), size, whole=size, as_published=as_published
            )
            file.seek(0)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            identity = (found.package, found.version, found.architecture)
            return LocalPackage(path, sha256, size, identity, found.built_for, lived_with)
    except OSError as error:
        raise _refused(Code.FILE_MISSING, unread(error)) from error


def inspected(
    name: str, reader: deb.Reader, size: int, *, whole: int = 0, as_published: bool = False
) -> tuple[deb.Package, tuple[Refusal, ...]]:
    """As `deb.inspect`, with what was passed over. Raises RejectedError."""
    try:
        return deb.inspect(name, reader, size, whole=whole), ()
    except RejectedError as error:
        if not as_published:
            raise
        found = deb.inspect(name, reader, size, whole=whole, as_published=True)
        return found, error.refusals


class _File:
    """A deb.Reader of an open file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, start: int, length: int) -> bytes:
        self._file.seek(start)
        return self._file.read(length)


def unread(error: OSError) -> str:
    """Why a file can't be read, for a refusal."""
    return f"can't be read: {error.strerror}"


def _refused(code: Code, message: str) -> RejectedError:
    return RejectedError([Refusal("", code, message)])
