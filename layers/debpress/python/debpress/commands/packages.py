"""The .deb files on this machine that an upload is about to send."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from debpress.errors import Code, Refusal

_MAGIC = b"!<arch>\n"
_HEADER = 60


@dataclass(frozen=True, slots=True)
class Package:
    """A file to upload. `sha256` is hex, `size` bytes."""

    path: Path
    sha256: str
    size: int

    @property
    def name(self) -> str:
        return self.path.name


def examine(paths: Sequence[Path]) -> tuple[list[Package], list[Refusal]]:
    """Reads every file whole. What the pipeline would reject anyway is told here, before any
    byte is sent, and of all the files at once."""
    packages: list[Package] = []
    refusals: list[Refusal] = []
    seen: set[str] = set()
    for path in paths:
        if path.name in seen:
            refusals.append(
                Refusal(
                    str(path),
                    Code.NAME_DUPLICATE,
                    "another file of this batch has the same name; leave one of them out",
                )
            )
            continue
        seen.add(path.name)
        found = _examine(path)
        if isinstance(found, Refusal):
            refusals.append(found)
        else:
            packages.append(found)
    return packages, refusals


def _examine(path: Path) -> Package | Refusal:
    if not path.name.endswith(".deb"):
        return Refusal(str(path), Code.NAME_UNSAFE, "the name does not end in .deb")
    if not path.is_file():
        return Refusal(str(path), Code.FILE_MISSING, "there is no such file")
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            wrong = _not_a_deb(file, size)
            if wrong is not None:
                return Refusal(str(path), *wrong)
            file.seek(0)
            return Package(path, hashlib.file_digest(file, "sha256").hexdigest(), size)
    except OSError as error:
        return Refusal(str(path), Code.FILE_MISSING, f"can't be read: {error.strerror}")


def _not_a_deb(file: BinaryIO, size: int) -> tuple[Code, str] | None:
    """What keeps the file from being an ar archive of a Debian package (deb(5)), if anything.

    Walks the members' headers without reading the members: a download cut short shows here.
    """
    if file.read(len(_MAGIC)) != _MAGIC:
        return Code.DEB_MALFORMED, "this is no Debian package: it is no ar archive"
    at = len(_MAGIC)
    while at < size:
        file.seek(at)
        header = file.read(_HEADER)
        if len(header) < _HEADER:
            return _TRUNCATED
        if at == len(_MAGIC) and not header.startswith(b"debian-binary"):
            return Code.DEB_MALFORMED, "this is no Debian package: debian-binary is not first"
        length = header[48:58].strip()
        if header[58:] != b"`\n" or not length.isdigit():
            return Code.DEB_MALFORMED, f"the ar header at byte {at} is malformed; build it again"
        at += _HEADER + int(length)
        if at > size:
            return _TRUNCATED
        at += at % 2
    return None if at > len(_MAGIC) else _TRUNCATED


_TRUNCATED = (Code.DEB_TRUNCATED, "the file ends early; build or fetch it again")
