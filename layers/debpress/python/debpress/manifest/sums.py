"""SHA256SUMS: what `sha256sum *.deb` prints, or `sha256sum --tag`, or openssl and shasum alike.

Each line says its file and its sum in one of two forms, which can't be taken for one another. What
other tools print as a whole is recognised, to say how to make it right.
"""

from __future__ import annotations

import re

from debpress.errors import Code
from debpress.findings import Findings, refused, shown
from debpress.manifest.listed import Listing
from debpress.manifest.text import decoded

# The sum, then a blank, then a blank (text) or an asterisk (binary), then the name.
_LINE = re.compile(r"([^ ]+) [ *](.*)", re.DOTALL)
# `SHA256 (name) = sum` by sha256sum --tag, cksum, shasum --tag and the BSDs; `SHA2-256(name)= sum`
# and `SHA256(name)= sum` by openssl 3 and 1.
_TAGGED = re.compile(r"([A-Za-z0-9/-]+) ?\((.*)\) ?= ([0-9A-Fa-f]+)", re.DOTALL)
_SHA256 = ("SHA256", "SHA2-256")

_POWERSHELL = (
    'write it by `Get-FileHash *.deb | ForEach-Object { "$($_.Hash)  $(Split-Path -Leaf $_.Path)" }'
    " | Set-Content -Encoding ascii SHA256SUMS`"
)
# How the first line of others begins that is not empty: what it is, and what to do.
_OTHERS = (
    (re.compile(r"[\[{]"), "is JSON; name it manifest.json"),
    (re.compile(r"-----BEGIN PGP "), "is signed; upload its lines alone, unsigned"),
    # Its table cuts off paths that are too long for the window, and all its forms give whole paths.
    (
        re.compile(r'#TYPE \S+Hash|"?Algorithm"?(\s*:|,|\s+"?Hash\b)'),
        f"is PowerShell's Get-FileHash as it prints itself; {_POWERSHELL}",
    ),
    (re.compile(r"[A-Z0-9]+ hash of "), f"is what certutil prints; in PowerShell, {_POWERSHELL}"),
)


def read(body: bytes, findings: Findings, listing: Listing) -> None:
    """Puts its files into `listing`. Empty lines and comments are skipped, as by sha256sum -c.

    Raises RejectedError where it is another tool's document.
    """
    text = decoded(body)
    _check_tool(text)
    for number, line in enumerate(text.split("\n"), 1):
        plain = line.removesuffix("\r")
        if plain and not plain.startswith("#"):
            with findings.gathering():
                sha256, name = _entry(f"line {number}", plain)
                # `sha256sum ./*.deb` says the same files with a prefix.
                listing.add(f"line {number}", name.removeprefix("./"), sha256)


def _check_tool(text: str) -> None:
    start = text.lstrip()
    for begins, what in _OTHERS:
        if begins.match(start):
            raise refused(Code.MANIFEST_UNREADABLE, what)
    if "\0" in text:
        raise refused(
            Code.MANIFEST_UNREADABLE,
            "has zeros in place of newlines, as `sha256sum --zero` writes; leave that out",
        )


def _entry(where: str, text: str) -> tuple[str, str]:
    """Sum and name. Raises RejectedError."""
    if text.startswith("\\"):
        # sha256sum marks a line so when its name holds a newline, backslash or the like.
        raise refused(
            Code.NAME_UNSAFE, f"{where} has an escaped name, {shown(text)}; rename the file"
        )
    if tagged := _TAGGED.fullmatch(text):
        if tagged[1] not in _SHA256:
            raise refused(
                Code.SUM_MALFORMED,
                f"{where} gives a sum by {shown(tagged[1])} of {shown(tagged[2])}; "
                "give its SHA-256, as `sha256sum` does",
            )
        return tagged[3], tagged[2]
    if fits := _LINE.fullmatch(text):
        return fits[1], fits[2]
    raise refused(
        Code.MANIFEST_UNREADABLE,
        f"{where} is {shown(text)}; write the sum, two blanks and the name, "
        "as `sha256sum *.deb` does",
    )
