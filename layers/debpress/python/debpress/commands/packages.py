"""Reads and checks the .deb files on this machine before they are uploaded."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from debpress import deb
from debpress.errors import Code, Refusal, RejectedError


@dataclass(frozen=True, slots=True)
class Package:
    """A file to upload. `sha256` is in hex, `size` in bytes."""

    path: Path
    sha256: str
    size: int

    @property
    def name(self) -> str:
        return self.path.name


def examine(paths: Sequence[Path]) -> tuple[list[Package], list[Refusal]]:
    """Reads every file whole. Returns the packages, and every error of any of them: the errors that
    admission would find in a package by itself, before a byte is sent."""
    packages: list[Package] = []
    refusals: list[Refusal] = []
    seen: set[str] = set()
    for path in paths:
        try:
            packages.append(_examine(path, seen))
        except RejectedError as error:
            refusals += (Refusal(str(path), each.code, each.message) for each in error.refusals)
    return packages, refusals


def _examine(path: Path, seen: set[str]) -> Package:
    """Reads one file; `seen` are the names of the files before it. Raises RejectedError."""
    if path.name in seen:
        raise _refused(
            Code.NAME_DUPLICATE,
            "another file of this batch has the same name; leave one of them out",
        )
    seen.add(path.name)
    if not path.name.endswith(".deb"):
        raise _refused(Code.NAME_UNSAFE, "the name does not end in .deb")
    if not path.is_file():
        raise _refused(Code.FILE_MISSING, "there is no such file")
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            deb.inspect(path.name, _File(file), size)
            file.seek(0)
            return Package(path, hashlib.file_digest(file, "sha256").hexdigest(), size)
    except OSError as error:
        raise _refused(Code.FILE_MISSING, f"can't be read: {error.strerror}") from error


class _File:
    """A deb.Reader of an open file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, start: int, length: int) -> bytes:
        self._file.seek(start)
        return self._file.read(length)


def _refused(code: Code, message: str) -> RejectedError:
    return RejectedError([Refusal("", code, message)])
