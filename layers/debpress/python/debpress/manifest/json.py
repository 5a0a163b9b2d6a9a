"""manifest.json: `{"version": 1, "files": [{"name", "sha256", "size"?}], "suites"?: [...]}`, and
nothing more."""

from __future__ import annotations

from debpress import strict
from debpress.errors import Code
from debpress.findings import Findings, refused
from debpress.layout import SUITE
from debpress.manifest import fields
from debpress.manifest.listed import MOST_FILES, MOST_SUITES, Listing


def read(body: bytes, findings: Findings, listing: Listing, *, as_published: bool = False) -> None:
    """Puts its files into `listing`. With `as_published` it is an operator's, and has to say so.
    Raises RejectedError where nothing more can be said."""
    value = fields.load(body, '{"version": 1, "files": [...]}')
    if not isinstance(value, strict.JsonObject):
        raise refused(
            Code.MANIFEST_UNREADABLE,
            f"is {strict.kind(value)}; write an object with version and files",
        )
    top = fields.Fields(value, "")
    top.gather(findings, "version", "files", "as_published" if as_published else "suites")
    if as_published and top.data.get("as_published") is not True:
        findings.add(
            Code.MANIFEST_FIELD,
            'lists files: write "as_published": true, for what hosts have already, or name it '
            "manifest.json",
        )
    fields.check_version(top, findings)
    if "suites" in top.data and not as_published:
        with findings.gathering():
            listing.suites = top.texts("suites", SUITE)
        if len(listing.suites) > MOST_SUITES:
            findings.add(
                Code.MANIFEST_FIELD,
                f"names {len(listing.suites)} suites, the most is {MOST_SUITES}; make several "
                "batches",
            )
    # With one more than there may be it is refused, whatever else would be found in the rest.
    for index, entry in enumerate(top.take("files", list)[: MOST_FILES + 1]):
        with findings.gathering():
            _read_entry(fields.Fields(entry, f"files[{index}]"), findings, listing)


def _read_entry(entry: fields.Fields, findings: Findings, listing: Listing) -> None:
    entry.gather(findings, "name", "sha256", "size")
    name = sha256 = size = None
    with findings.gathering():
        name = entry.take("name", str)
    with findings.gathering():
        sha256 = entry.take("sha256", str)
    with findings.gathering():
        size = entry.take("size", int, None)
    if name is not None and sha256 is not None:
        listing.add(entry.path, name, sha256, size)
