"""manifest.json: `{"version": 1, "files": [{"name", "sha256", "size"?}]}`, and nothing more."""

from __future__ import annotations

from typing import Any

from debpress.deb.findings import Findings, refused
from debpress.errors import Code
from debpress.manifest import strict
from debpress.manifest.listed import Listing


def read(body: bytes, findings: Findings, listing: Listing) -> None:
    """Puts its files into `listing`. Raises RejectedError where nothing more can be said."""
    top = strict.load(body, '{"version": 1, "files": [...]}')
    if not isinstance(top, strict.Object):
        raise refused(
            Code.MANIFEST_UNREADABLE,
            f"is {strict.kind(top)}; write an object with version and files",
        )
    strict.check_keys(top, "it", ("version", "files"), findings)
    strict.check_version(top, findings)
    files = top.get("files")
    if not isinstance(files, list):
        said = "no files" if "files" not in top else f"{strict.kind(files)} as files"
        findings.add(Code.MANIFEST_FIELD, f"has {said}; give a list of objects")
        return
    for index, entry in enumerate(files):
        _read_entry(entry, f"files[{index}]", findings, listing)


def _read_entry(entry: Any, where: str, findings: Findings, listing: Listing) -> None:
    if not isinstance(entry, strict.Object):
        findings.add(
            Code.MANIFEST_FIELD,
            f"{where} is {strict.kind(entry)}; give an object with name and sha256",
        )
        return
    strict.check_keys(entry, where, ("name", "sha256", "size"), findings)
    name, sha256, size = entry.get("name"), entry.get("sha256"), entry.get("size")
    for key, value in (("name", name), ("sha256", sha256)):
        if not isinstance(value, str):
            said = f"no {key}" if key not in entry else f"{strict.kind(value)} as {key}"
            code = Code.MANIFEST_FIELD if key == "name" else Code.SUM_MALFORMED
            findings.add(code, f"{where} has {said}; give a string")
    if "size" in entry and (isinstance(size, bool) or not isinstance(size, int)):
        findings.add(
            Code.MANIFEST_FIELD,
            f"{where} has {strict.kind(size)} as size; "
            "give its bytes as a whole number, or leave it out",
        )
        size = None
    if isinstance(name, str) and isinstance(sha256, str):
        listing.add(where, name, sha256, size)
