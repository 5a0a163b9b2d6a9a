"""manifest.json: `{"version": 1, "files": [{"name", "sha256", "size"?}]}`, and nothing more."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NoReturn

from debpress.deb.findings import Findings, refused, shown
from debpress.errors import Code
from debpress.manifest.listed import Listing
from debpress.manifest.text import decoded


def read(body: bytes, findings: Findings, listing: Listing) -> None:
    """Puts its files into `listing`. Raises RejectedError where nothing more can be said."""
    top = _loaded(decoded(body))
    if not isinstance(top, _Object):
        raise refused(
            Code.MANIFEST_UNREADABLE,
            f"is {_kind(top)}; write an object with version and files",
        )
    _check_keys(top, "it", ("version", "files"), findings)
    version = top.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or version != 1:
        said = "no version" if "version" not in top else f"the version {shown(str(version))}"
        findings.add(Code.MANIFEST_VERSION, f'has {said}; write "version": 1')
    files = top.get("files")
    if not isinstance(files, list):
        said = "no files" if "files" not in top else f"{_kind(files)} as files"
        findings.add(Code.MANIFEST_FIELD, f"has {said}; give a list of objects")
        return
    for index, entry in enumerate(files):
        _read_entry(entry, f"files[{index}]", findings, listing)


def _read_entry(entry: Any, where: str, findings: Findings, listing: Listing) -> None:
    if not isinstance(entry, _Object):
        findings.add(
            Code.MANIFEST_FIELD,
            f"{where} is {_kind(entry)}; give an object with name and sha256",
        )
        return
    _check_keys(entry, where, ("name", "sha256", "size"), findings)
    name, sha256, size = entry.get("name"), entry.get("sha256"), entry.get("size")
    for key, value in (("name", name), ("sha256", sha256)):
        if not isinstance(value, str):
            said = f"no {key}" if key not in entry else f"{_kind(value)} as {key}"
            code = Code.MANIFEST_FIELD if key == "name" else Code.SUM_MALFORMED
            findings.add(code, f"{where} has {said}; give a string")
    if "size" in entry and (isinstance(size, bool) or not isinstance(size, int)):
        findings.add(
            Code.MANIFEST_FIELD,
            f"{where} has {_kind(size)} as size; give its bytes as a whole number, or leave it out",
        )
        size = None
    if isinstance(name, str) and isinstance(sha256, str):
        listing.add(where, name, sha256, size)


class _Object(dict[str, Any]):
    """A JSON object that remembers the keys given twice."""

    __slots__ = ("repeated",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeated: tuple[str, ...] = ()
        if len(self) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            self.repeated = tuple(key for key, count in counts.items() if count > 1)


def _check_keys(found: _Object, where: str, known: tuple[str, ...], findings: Findings) -> None:
    for key in found.repeated:
        findings.add(Code.MANIFEST_FIELD, f"{where} has the field {shown(key)} twice; give it once")
    for key in found:
        if key not in known:
            findings.add(
                Code.MANIFEST_FIELD,
                f"{where} has the unknown field {shown(key)}; the fields are {', '.join(known)}",
            )


def _loaded(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_Object, parse_constant=_constant)
    except RecursionError as error:
        raise _unreadable("it is nested too deeply") from error
    except ValueError as error:
        # JSONDecodeError, and int() of thousands of digits.
        raise _unreadable(str(error)) from error


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _unreadable(why: str) -> Exception:
    form = '{"version": 1, "files": [...]}'
    return refused(Code.MANIFEST_UNREADABLE, f"is not JSON: {why}; write {form}")


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    if value is None:
        return "null"
    return next((word for kind, word in kinds.items() if isinstance(value, kind)), "a number")
