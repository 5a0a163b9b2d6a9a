"""Puts signatures beneath the text that they sign, in the form that `cleartext` reads."""

from __future__ import annotations

from collections.abc import Sequence

from debpress.openpgp import packets, signatures
from debpress.openpgp.armor import armor
from debpress.openpgp.cleartext import BEGIN, canonical


def assemble(text: bytes, found: Sequence[bytes]) -> bytes:
    """The clear-signed document of `text` with all its signature packets in one armor.

    sqv reads the first armor only. Raises SigningError as `canonical` does.
    """
    canonical(text)
    used = {signatures.parse(each).hash for each in packets.read(b"".join(found))}
    head = BEGIN + b"\nHash: " + b", ".join(h.name.encode() for h in sorted(used)) + b"\n\n"
    body = b"".join(
        (b"- " if line.startswith(b"-") else b"") + line + b"\n" for line in text[:-1].split(b"\n")
    )
    return head + body + armor(b"".join(found))
