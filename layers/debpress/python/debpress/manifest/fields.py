"""What CI or an operator uploads as JSON, read strictly, its faults told as refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from debpress import strict
from debpress.errors import Code, RejectedError
from debpress.findings import Findings, refused, shown
from debpress.manifest.text import decoded


class Fields(strict.ObjectReader):
    """Raises RejectedError, for `Findings.gathering`. `codes` are those of single keys, where they
    are not there or of another type; else it is MANIFEST_FIELD."""

    codes: ClassVar[Mapping[str, Code]] = {"sha256": Code.SUM_MALFORMED}

    def wrong(self, key: str, problem: str) -> RejectedError:
        return refused(self.codes.get(key, Code.MANIFEST_FIELD), self._said(key, problem))

    def gather(self, findings: Findings, *known: str) -> None:
        """Tells of every key that is repeated, or neither taken nor `known`."""
        self.taken.update(known)
        for key, problem in self.faults():
            findings.add(Code.MANIFEST_FIELD, self._said(key, problem))

    def _said(self, key: str, problem: str) -> str:
        # Of the document's own keys nothing is known: they are shown escaped and clipped.
        name = f'"{key}" ' if key in self.taken else f"{shown(key)} " if key else ""
        return f"{self.path}: {name}{problem}" if self.path else f"{name}{problem}"


def load(body: bytes, form: str) -> Any:
    """The value, as `strict.loads` gives it. Raises RejectedError, which says to write `form`."""
    text = decoded(body)
    try:
        return strict.loads(text)
    except ValueError as error:  # JSONDecodeError too, and int() of thousands of digits.
        told = f"is not JSON: {error}; write {form}"
        raise refused(Code.MANIFEST_UNREADABLE, told) from error


def check_version(top: Fields, findings: Findings) -> None:
    """`"version": 1`: the number, not `true`, `1.0` or `"1"`."""
    version = top.data.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or version != 1:
        # Not shown where it might be as deep as the parser went: its text would take more.
        plain = isinstance(version, str | int | float)
        told = shown(str(version)) if plain else strict.kind(version)
        said = f"the version {told}" if "version" in top.data else "no version"
        findings.add(Code.MANIFEST_VERSION, f'has {said}; write "version": 1')
