"""The files of a batch, and the checks that all spellings share."""

from __future__ import annotations

import re
from dataclasses import dataclass

from debpress.errors import Code
from debpress.findings import Findings, shown

_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")
# Sums of other kinds, by their digits.
_OTHERS = {32: "an MD5", 40: "a SHA-1", 56: "a SHA-224", 96: "a SHA-384", 128: "a SHA-512"}
# What a file name may be on the host that made it, and far below S3's 1,024 for the key.
_MOST_NAME = 255
_MOST_SIZE = 2**63 - 1
# Two copies of Debian's largest source; more is a mistake, or somebody being hostile.
MOST_FILES = 10_000
# A flip takes seconds, and the execution has so many rounds for all of them together.
MOST_SUITES = 8


@dataclass(frozen=True, slots=True)
class Listed:
    """A package of the batch: its staged name, its SHA-256 in lower-case hex, its size if said."""

    name: str
    sha256: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """`files` are the packages to publish; `others` are listed too, but no binary packages.
    `suites` are those that it names, none where it goes to the suite where it was put."""

    files: tuple[Listed, ...]
    others: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()


class Listing:
    """A manifest being read: takes entries, reports what is wrong with them."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._names: set[str] = set()
        self._files: list[Listed] = []
        self._others: list[str] = []
        self.suites: tuple[str, ...] = ()

    def add(self, where: str, name: str, sha256: str, size: int | None = None) -> None:
        """A package; `where` is the entry's place in the manifest, for the reader."""
        self._name(where, name)
        if not name.endswith(".deb"):
            self._findings.add(
                Code.NAME_UNSAFE,
                f"{where} lists {shown(name)}, which is not named *.deb; list packages only",
            )
        if not _SHA256.fullmatch(sha256):
            other = _OTHERS.get(len(sha256), "") and f", as long as {_OTHERS[len(sha256)]}"
            self._findings.add(
                Code.SUM_MALFORMED,
                f"{where} gives {shown(sha256)} as the sum of {shown(name)}{other}; "
                "give its SHA-256, 64 hexadecimal digits",
            )
        if size is not None and not 0 <= size <= _MOST_SIZE:
            self._findings.add(
                Code.MANIFEST_FIELD,
                f"{where} gives an impossible size for {shown(name)}; give its bytes",
            )
        self._files.append(Listed(name, sha256.lower(), size))

    def add_other(self, where: str, name: str) -> None:
        """Something listed that is no binary package."""
        self._name(where, name)
        self._others.append(name)

    def manifest(self) -> Manifest:
        """All of it. Raises RejectedError if anything was wrong."""
        if not self._files and not self._findings.refusals:
            self._findings.add(
                Code.MANIFEST_EMPTY, "lists no package; list at least one .deb, or upload nothing"
            )
        if len(self._names) > MOST_FILES:
            self._findings.add(
                Code.TOO_LARGE,
                f"lists {len(self._names)} files, the most is {MOST_FILES}; make several batches",
            )
        self._findings.close()
        return Manifest(tuple(self._files), tuple(self._others), self.suites)

    def _name(self, where: str, name: str) -> None:
        why = "is the manifest" if name == self._findings.file else _unsafe(name)
        if why:
            self._findings.add(
                Code.NAME_UNSAFE,
                f"{where} lists the name {shown(name)}, which {why}; "
                "list plain file names beside the manifest",
            )
        if name in self._names:
            self._findings.add(
                Code.NAME_DUPLICATE, f"{where} lists {shown(name)} again; list each file once"
            )
        self._names.add(name)


def _unsafe(name: str) -> str | None:
    if not name:
        return "is empty"
    if "/" in name or name in (".", ".."):
        return "is a path"
    if not name.isprintable():
        return "has characters that can't be printed"
    if len(name.encode()) > _MOST_NAME:
        return f"is longer than {_MOST_NAME} bytes"
    return None
