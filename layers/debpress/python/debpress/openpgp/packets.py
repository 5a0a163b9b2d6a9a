"""What all of OpenPGP is encoded in: packets and multiprecision integers; and a cursor over bytes.

RFC 4880 and RFC 9580, sections 3.2 (multiprecision integers) and 4.2 (packet headers). Malformed
bytes raise SigningError, since here they are always those of a key or of a signature.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from debpress.errors import SigningError


class Tag(IntEnum):
    """The packets that keys, certificates and signatures are made of (RFC 9580 section 5)."""

    SIGNATURE = 2
    SECRET_KEY = 5
    PUBLIC_KEY = 6
    SECRET_SUBKEY = 7
    USER_ID = 13
    PUBLIC_SUBKEY = 14


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet; `raw` is all of it, header included, as it was read."""

    tag: int
    body: bytes
    raw: bytes


def packet(tag: Tag, body: bytes) -> bytes:
    """A packet with a header of the old format (RFC 9580 section 4.2.2).

    apt recognises a binary keyring by its first byte; that of the old format is the one that every
    version of apt knows.
    """
    for kind, width in enumerate((1, 2, 4)):
        if len(body) < 1 << 8 * width:
            return bytes([0x80 | tag << 2 | kind]) + len(body).to_bytes(width, "big") + body
    raise SigningError("an OpenPGP packet can't hold 4 GiB")


def read(data: bytes) -> list[Packet]:
    """The packets of `data`, in both header formats (RFC 9580 section 4.2)."""
    cursor = Cursor(data)
    packets = []
    while cursor.left:
        start = cursor.position
        first = cursor.number(1)
        if not first & 0x80:
            raise SigningError(f"no OpenPGP packet starts with the byte {first:#04x}")
        if first & 0x40:
            tag, length = first & 0x3F, _new_length(cursor)
        elif first & 3 == 3:
            raise SigningError("an OpenPGP packet of indeterminate length isn't accepted here")
        else:
            tag, length = first >> 2 & 0x0F, cursor.number(1 << (first & 3))
        body = cursor.take(length)
        packets.append(Packet(tag, body, data[start : cursor.position]))
    return packets


def _new_length(cursor: Cursor) -> int:
    first = cursor.number(1)
    if first < 192:
        return first
    if first < 224:
        return (first - 192 << 8) + cursor.number(1) + 192
    if first == 255:
        return cursor.number(4)
    raise SigningError("an OpenPGP packet of partial lengths isn't accepted here")


def mpi(value: int) -> bytes:
    """A multiprecision integer in its one canonical form: no leading zero bits (section 3.2).

    One in 256 of a signer's numbers begins with a zero byte. If that were written, too, gpgv would
    accept the signature and sqv would refuse it.
    """
    return value.bit_length().to_bytes(2, "big") + value.to_bytes(
        (value.bit_length() + 7) // 8, "big"
    )


class Cursor:
    """Reads bytes from front to back. Raises SigningError when more are asked for than are left."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    @property
    def left(self) -> int:
        return len(self._data) - self.position

    def take(self, length: int) -> bytes:
        if length > self.left:
            raise SigningError(f"OpenPGP data is cut short: {length} bytes due, {self.left} left")
        self.position += length
        return self._data[self.position - length : self.position]

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")

    def rest(self) -> bytes:
        return self.take(self.left)

    def mpi(self) -> int:
        """A multiprecision integer. One that is not canonical is refused, as sqv refuses it."""
        bits = self.number(2)
        value = self.number((bits + 7) // 8)
        if value.bit_length() != bits:
            raise SigningError("an OpenPGP number has leading zero bits, which sqv refuses")
        return value
