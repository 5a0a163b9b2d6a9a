"""*.changes: what dpkg-genchanges writes (Debian Policy 5.5), signed or not.

A signature is taken off and not checked here: who may upload is said by who may write to staging,
or by `debpress.suite.uploading`, which reads a signed one first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from debian.deb822 import Deb822

from debpress.deb import control
from debpress.errors import Code
from debpress.findings import Findings, refused, shown
from debpress.manifest.listed import Listing
from debpress.manifest.text import decoded

_NUMBER = re.compile(r"[0-9]{1,19}")
_READ = ("checksums-sha256", "files")
_CONTROL = bytes({*range(0x20), 0x7F} - {0x09, 0x0A})
_HARMLESS = bytes.maketrans(_CONTROL, b"?" * len(_CONTROL))


def read(body: bytes, findings: Findings, listing: Listing) -> None:
    """Puts its packages into `listing`, and its other files beside them."""

    def report(code: Code, message: str) -> None:
        findings.add(Code.MANIFEST_UNREADABLE, message)

    fields = {
        name.lower(): decoded(value)
        for name, value in control.parse(_payload(_harmless(body)), report, "it")
        if name.lower() in _READ
    }
    if "checksums-sha256" not in fields:
        findings.add(
            Code.MANIFEST_FIELD,
            "has no Checksums-Sha256 field; make it with dpkg-genchanges",
        )
        return
    summed = set()
    for words in _rows(fields, "checksums-sha256", 3, findings):
        sha256, size, name = words
        where = "Checksums-Sha256"
        summed.add(name)
        if not _NUMBER.fullmatch(size):
            findings.add(
                Code.MANIFEST_FIELD,
                f"{where} gives {shown(size)} as the size of {shown(name)}; give its bytes",
            )
        elif name.endswith(".deb"):
            listing.add(where, name, sha256, int(size))
        else:
            listing.add_other(where, name)
    for words in _rows(fields, "files", 5, findings):
        if words[-1] not in summed:
            findings.add(
                Code.SUM_MALFORMED,
                f"Files lists {shown(words[-1])} and Checksums-Sha256 does not; "
                "make it with dpkg-genchanges",
            )


def _payload(body: bytes) -> bytes:
    try:
        _, lines, _ = Deb822.split_gpg_and_payload(iter(body.split(b"\n")))
    except (EOFError, ValueError) as error:
        raise refused(
            Code.MANIFEST_UNREADABLE, "holds no fields; make it with dpkg-genchanges"
        ) from error
    return b"".join(line + b"\n" for line in lines)


def _harmless(body: bytes) -> bytes:
    """The same without control characters in fields that are not read: dpkg-genchanges writes what
    debian/changelog has, and authors' editors and terminals leave form feeds and colours there."""
    lines = body.split(b"\n")
    ours = False
    for number, line in enumerate(lines):
        if line[:1] not in (b"", b" ", b"\t"):
            ours = line.partition(b":")[0].strip().lower().decode("latin-1") in _READ
        if not ours:
            lines[number] = line.rstrip(b"\r").translate(_HARMLESS)
    return b"\n".join(lines)


def _rows(
    fields: dict[str, str], field: str, columns: int, findings: Findings
) -> Iterator[list[str]]:
    """The continuation lines of a field as words; none where there is no such field."""
    for row in fields.get(field, "").split("\n"):
        words = row.split()
        if len(words) == columns:
            yield words
        elif words:
            findings.add(
                Code.MANIFEST_FIELD,
                f"has the line {shown(row)} in {field.title()}, which is not {columns} words; "
                "make it with dpkg-genchanges",
            )
