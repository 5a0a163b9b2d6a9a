"""SHA256SUMS: what `sha256sum *.deb` prints, and what `sha256sum -c` reads."""

from __future__ import annotations

import re

from debpress.deb.findings import Findings, shown
from debpress.errors import Code
from debpress.manifest.listed import Listing
from debpress.manifest.text import decoded

# The sum, then a blank, then a blank (text) or an asterisk (binary), then the name.
_LINE = re.compile(r"([^ ]+) [ *](.*)", re.DOTALL)


def read(body: bytes, findings: Findings, listing: Listing) -> None:
    """Puts its files into `listing`. Empty lines and comments are skipped, as by sha256sum -c."""
    for number, line in enumerate(decoded(body).split("\n"), 1):
        text = line.removesuffix("\r")
        if not text or text.startswith("#"):
            continue
        where = f"line {number}"
        if text.startswith("\\"):
            # sha256sum marks a line so when its name holds a newline, backslash or the like.
            findings.add(
                Code.NAME_UNSAFE,
                f"{where} has an escaped name, {shown(text)}; rename the file",
            )
            continue
        fits = _LINE.fullmatch(text)
        if fits is None:
            findings.add(
                Code.MANIFEST_UNREADABLE,
                f"{where} is {shown(text)}; write the sum, two blanks and the name, "
                "as `sha256sum *.deb` does",
            )
            continue
        # `sha256sum ./*.deb` says the same files with a prefix.
        listing.add(where, fits[2].removeprefix("./"), fits[1])
