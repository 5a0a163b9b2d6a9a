"""Which of the three spellings a manifest is, from its name alone."""

from __future__ import annotations

from debpress.errors import Code, Refusal, RejectedError
from debpress.findings import Findings, printable, shown
from debpress.layout import OPERATIONS
from debpress.manifest import json, sums
from debpress.manifest.listed import Listing, Manifest

# 10,000 packages with names of 100 characters take 3 MB in the longest spelling. Hostile JSON
# takes some 30 times its size in memory.
_MOST = 4 * 1024 * 1024


def check_size(name: str, size: int) -> None:
    """Raises RejectedError for a manifest so large that it need not be read."""
    if size > _MOST:
        message = f"is {size} bytes, the most is {_MOST}; make several batches"
        raise RejectedError([Refusal(printable(name), Code.TOO_LARGE, message)])


def parse(name: str, body: bytes) -> Manifest:
    """Reads the manifest `name` (manifest.json, SHA256SUMS or *.changes; or an operations.json that
    lists files; docs/contract.md).

    Raises RejectedError with everything wrong, each refusal about the file `name`.
    """
    findings = Findings(name)
    listing = Listing(findings)
    with findings.gathering():
        check_size(name, len(body))
        if name == "manifest.json":
            json.read(body, findings, listing)
        elif name == OPERATIONS:
            json.read(body, findings, listing, as_published=True)
        elif name == "SHA256SUMS":
            sums.read(body, findings, listing)
        elif name.endswith(".changes"):
            # python-debian, for this spelling alone, takes as long to import as the other two.
            from debpress.manifest import changes  # noqa: PLC0415

            changes.read(body, findings, listing)
        else:
            findings.add(
                Code.MANIFEST_UNREADABLE,
                f"{shown(name)} is no manifest; name it manifest.json, SHA256SUMS or *.changes",
            )
    return listing.manifest()
