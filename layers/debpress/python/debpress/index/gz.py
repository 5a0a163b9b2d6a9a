"""gzip of many members, each with its own length in it, so that splitting needs no inflating.

Every apt reads several members as one text. The length is in our own extra field `DP` (RFC 1952,
section 2.3.1.1), which other readers skip.
"""

from __future__ import annotations

import struct
import zlib

from debpress.errors import CorruptError

# RFC 1952, section 2.3: magic, deflate, the flag FEXTRA, no time, best compression, unknown system.
# Without time and name, equal text gives equal bytes (law 6).
_START = b"\x1f\x8b\x08\x04\x00\x00\x00\x00\x02\xff"
_EXTRA = struct.Struct("<H2sHI")
_HEAD = len(_START) + _EXTRA.size


def compress(plain: bytes) -> bytes:
    """`plain` as one member."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflater.compress(plain) + deflater.flush()
    tail = struct.pack("<II", zlib.crc32(plain), len(plain) & 0xFFFFFFFF)
    length = _HEAD + len(body) + len(tail)
    return _START + _EXTRA.pack(8, b"DP", 4, length) + body + tail


def split(data: bytes) -> list[bytes]:
    """The members of a file made of `compress`'s output. Raises CorruptError for any other file."""
    members = []
    offset = 0
    while offset < len(data):
        head = data[offset : offset + _HEAD]
        if len(head) < _HEAD or head[: len(_START)] != _START:
            raise CorruptError("a .gz index was not made by debpress")
        size, name, _, length = _EXTRA.unpack(head[len(_START) :])
        if (size, name) != (8, b"DP") or not _HEAD < length <= len(data) - offset:
            raise CorruptError("a .gz index was not made by debpress")
        members.append(data[offset : offset + length])
        offset += length
    return members


def decompress(member: bytes) -> bytes:
    """The text of one member. Raises CorruptError."""
    try:
        return zlib.decompress(member, zlib.MAX_WBITS | 16)
    except zlib.error as error:
        raise _damaged(error) from error


def beginning(member: bytes, length: int) -> bytes:
    """The first `length` bytes of a member's text; the rest stays packed. Raises CorruptError."""
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(member, length)
    except zlib.error as error:
        raise _damaged(error) from error


def inflate(data: bytes) -> bytes:
    """The text of a whole gzip file, whichever program made it. Raises CorruptError."""
    out = []
    while data:
        inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            out.append(inflater.decompress(data))
        except zlib.error as error:
            raise _damaged(error) from error
        if not inflater.eof:
            raise CorruptError("a .gz index is cut off")
        data = inflater.unused_data.lstrip(b"\0")
    return b"".join(out)


def _damaged(error: zlib.error) -> CorruptError:
    return CorruptError(f"a .gz index can't be unpacked: {error}")
