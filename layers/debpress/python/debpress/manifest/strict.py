"""JSON read strictly: what a lenient reader would guess at is refused (RFC 8259 section 4)."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NoReturn

from debpress.deb.findings import Findings, refused, shown
from debpress.errors import Code
from debpress.manifest.text import decoded


class Object(dict[str, Any]):
    """A JSON object that remembers the keys given twice."""

    __slots__ = ("repeated",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeated: tuple[str, ...] = ()
        if len(self) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            self.repeated = tuple(key for key, count in counts.items() if count > 1)


def load(body: bytes, form: str) -> Any:
    """The value, its objects as Object. Raises RejectedError, which tells to write `form`."""
    try:
        return json.loads(decoded(body), object_pairs_hook=Object, parse_constant=_constant)
    except RecursionError as error:
        raise _unreadable("it is nested too deeply", form) from error
    except ValueError as error:
        # JSONDecodeError, and int() of thousands of digits.
        raise _unreadable(str(error), form) from error


def check_version(found: Object, findings: Findings) -> None:
    """`"version": 1`: the number, not `true`, `1.0` or `"1"`."""
    version = found.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or version != 1:
        # Not shown where it might be as deep as the parser went: its text would take more.
        plain = isinstance(version, str | int | float)
        told = shown(str(version)) if plain else kind(version)
        said = f"the version {told}" if "version" in found else "no version"
        findings.add(Code.MANIFEST_VERSION, f'has {said}; write "version": 1')


def check_keys(found: Object, where: str, known: tuple[str, ...], findings: Findings) -> None:
    for key in found.repeated:
        findings.add(Code.MANIFEST_FIELD, f"{where} has the field {shown(key)} twice; give it once")
    for key in found:
        if key not in known:
            findings.add(
                Code.MANIFEST_FIELD,
                f"{where} has the unknown field {shown(key)}; the fields are {', '.join(known)}",
            )


def kind(value: Any) -> str:
    """What a value is, in words."""
    words = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    if value is None:
        return "null"
    return next((word for each, word in words.items() if isinstance(value, each)), "a number")


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _unreadable(why: str, form: str) -> Exception:
    return refused(Code.MANIFEST_UNREADABLE, f"is not JSON: {why}; write {form}")
