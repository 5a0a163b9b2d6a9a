"""ASCII armor: binary OpenPGP data as text (RFC 4880 section 6, RFC 9580 section 6)."""

from __future__ import annotations

import base64
import binascii
from typing import Literal

from debpress.errors import SigningError

Kind = Literal["SIGNATURE", "PUBLIC KEY BLOCK", "PRIVATE KEY BLOCK"]

_WIDTH = 64


def armor(data: bytes, kind: Kind = "SIGNATURE") -> bytes:
    """`data` in one armor, with the CRC-24 checksum that older readers need."""
    text = base64.b64encode(data)
    lines = [
        f"-----BEGIN PGP {kind}-----".encode(),
        b"",
        *(text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH)),
        b"=" + base64.b64encode(crc24(data).to_bytes(3, "big")),
        f"-----END PGP {kind}-----".encode(),
    ]
    return b"".join(line + b"\n" for line in lines)


def dearmor(text: bytes, kind: Kind = "SIGNATURE") -> bytes:
    """The data of a text that is one armor and nothing else. Raises SigningError."""
    lines = [line.rstrip(b" \t\r") for line in text.strip().split(b"\n")]
    begin, end = f"-----BEGIN PGP {kind}-----".encode(), f"-----END PGP {kind}-----".encode()
    if lines[0] != begin or lines[-1] != end:
        raise SigningError(f"there is no whole armor of a PGP {kind} here")
    if b"" not in lines:
        raise SigningError("an armor's headers are not closed by an empty line")
    body = lines[lines.index(b"") + 1 : -1]
    checksum = body.pop() if body and body[-1].startswith(b"=") else None
    try:
        data = base64.b64decode(b"".join(body), validate=True)
        told = checksum and base64.b64decode(checksum[1:], validate=True)
    except binascii.Error as error:
        raise SigningError(f"an armor holds what is not base64: {error}") from error
    if told and told != crc24(data).to_bytes(3, "big"):
        raise SigningError("an armor's checksum does not match; the text was damaged")
    return data


def crc24(data: bytes) -> int:
    """The checksum of RFC 4880 section 6.1: initial value 0xB704CE, polynomial 0x1864CFB."""
    crc = 0xB704CE
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return crc
