"""gzip of many members, each with its own length in it, so that splitting needs no inflating.

Every apt reads several members as one text. The length is in our own extra field (RFC 1952, section
2.3.1.1), which other readers skip.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from debpress.errors import CorruptError
from debpress.index.form import PIECE, Form

# RFC 1952, section 2.3: magic, deflate, the flag FEXTRA, no time, best compression, unknown system.
# Without time and name, equal text gives equal bytes (law 6).
_START = b"\x1f\x8b\x08\x04\x00\x00\x00\x00\x02\xff"
_EXTRA = struct.Struct("<H2sHI")
_HEAD = len(_START) + _EXTRA.size

# The field's name says how the text was cut into blocks. `DP`: at every 1,024th stanza, as an older
# debpress did. Such an index is read like any other, and cut anew when it is edited.
_CUT = b"D2"
_CUTS = (_CUT, b"DP")


class Member(NamedTuple):
    """Where a member is in a form. `is_current`: it was cut as members are cut now."""

    start: int
    length: int
    is_current: bool


def compress(plain: bytes) -> bytes:
    """`plain` as one member."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflater.compress(plain) + deflater.flush()
    tail = struct.pack("<II", zlib.crc32(plain), len(plain) & 0xFFFFFFFF)
    length = _HEAD + len(body) + len(tail)
    return _START + _EXTRA.pack(8, _CUT, 4, length) + body + tail


def members(form: Form) -> Iterator[Member]:
    """The members of a file made of `compress`'s output. Raises CorruptError for any other file."""
    offset = 0
    while offset < form.size:
        head = form.read(offset, _HEAD)
        if len(head) < _HEAD or head[: len(_START)] != _START:
            raise CorruptError("a .gz index was not made by debpress")
        size, name, _, length = _EXTRA.unpack(head[len(_START) :])
        if size != 8 or name not in _CUTS or not _HEAD < length <= form.size - offset:
            raise CorruptError("a .gz index was not made by debpress")
        yield Member(offset, length, name == _CUT)
        offset += length


def decompress(member: bytes) -> bytes:
    """The text of one member. Raises CorruptError."""
    try:
        return zlib.decompress(member, zlib.MAX_WBITS | 16)
    except zlib.error as error:
        raise _damaged(error) from error


def beginning(member: bytes, length: int) -> bytes:
    """The first `length` bytes of the text of a member, of which the end may be missing. Raises
    CorruptError."""
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(member, length)
    except zlib.error as error:
        raise _damaged(error) from error


def inflate(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The text of a whole gzip file, whichever program made it, at most 1 MiB at a time.

    Raises CorruptError.
    """
    inflater = None
    for piece in pieces:
        left = piece
        while left:
            if inflater is None:
                left = left.lstrip(b"\0")  # Padding between members.
                if not left:
                    break
                inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
            try:
                text = inflater.decompress(left, PIECE)
            except zlib.error as error:
                raise _damaged(error) from error
            if text:
                yield text
            left = inflater.unconsumed_tail
            if inflater.eof:
                left, inflater = inflater.unused_data, None
    if inflater is not None:
        raise CorruptError("a .gz index is cut off")


def _damaged(error: zlib.error) -> CorruptError:
    return CorruptError(f"a .gz index can't be unpacked: {error}")
