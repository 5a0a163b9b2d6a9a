"""One .xz stream of many blocks, put together from blocks compressed one at a time.

apt decodes only the first stream of a file, so a file of several streams is refused; every apt
reads several blocks in one stream. The format: xz-file-format.txt 1.1.0, section 2 (stream), 3
(block), 4 (index).
"""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Iterable
from typing import NamedTuple

from debpress.errors import CorruptError

_CHECK = lzma.CHECK_CRC64
_FLAGS = bytes((0, _CHECK))
_HEADER = b"\xfd7zXZ\x00" + _FLAGS + struct.pack("<I", zlib.crc32(_FLAGS))
_FOOTER_MAGIC = b"YZ"

# Bytes. A dictionary larger than a block would improve nothing, and xz takes ten times its size in
# memory.
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 1 << 22}]


class Block(NamedTuple):
    """A block with its padding. `unpadded` (the block without padding) and `plain` (its text) are
    sizes in bytes, as the index lists them (section 4.3)."""

    data: bytes
    unpadded: int
    plain: int


def compress(plain: bytes) -> Block:
    """`plain` compressed as one block."""
    stream = lzma.compress(plain, format=lzma.FORMAT_XZ, check=_CHECK, filters=_FILTERS)
    (block,) = split(stream)
    return block


def decompress(block: Block) -> bytes:
    """The text of one block. Raises CorruptError."""
    try:
        return lzma.decompress(assemble([block]), format=lzma.FORMAT_XZ)
    except lzma.LZMAError as error:
        raise CorruptError(f"an .xz index can't be unpacked: {error}") from error


def assemble(blocks: Iterable[Block]) -> bytes:
    """One stream of these blocks, in this order."""
    blocks = list(blocks)
    records = b"".join(_vli(b.unpadded) + _vli(b.plain) for b in blocks)
    index = b"\x00" + _vli(len(blocks)) + records
    index += b"\x00" * (-len(index) % 4)
    index += struct.pack("<I", zlib.crc32(index))
    backward = struct.pack("<I", len(index) // 4 - 1) + _FLAGS
    footer = struct.pack("<I", zlib.crc32(backward)) + backward + _FOOTER_MAGIC
    return b"".join((_HEADER, *(b.data for b in blocks), index, footer))


def split(stream: bytes) -> list[Block]:
    """The blocks of a stream that `assemble` could have made.

    Raises CorruptError for anything else: several streams, another check, a damaged index.
    """
    if len(stream) < 32 or stream[:12] != _HEADER or stream[-2:] != _FOOTER_MAGIC:
        raise CorruptError("an .xz index is not one stream with CRC64 checks")
    start = len(stream) - 12 - 4 * (struct.unpack("<I", stream[-8:-4])[0] + 1)
    index = stream[start:-12]
    if start < 12 or struct.unpack("<I", index[-4:])[0] != zlib.crc32(index[:-4]):
        raise CorruptError("the index at the end of an .xz file is damaged")
    count, position = _read_vli(index, 1)
    blocks = []
    offset = 12
    for _ in range(count):
        unpadded, position = _read_vli(index, position)
        plain, position = _read_vli(index, position)
        end = offset + unpadded + -unpadded % 4
        blocks.append(Block(stream[offset:end], unpadded, plain))
        offset = end
    if offset != start:
        raise CorruptError("an .xz index holds more than its one stream")
    return blocks


def _vli(number: int) -> bytes:
    """A variable-length integer (section 1.2): seven bits a byte, the lowest first."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _read_vli(data: bytes, position: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if position >= len(data) or shift > 56:
            raise CorruptError("the index at the end of an .xz file is damaged")
        byte = data[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
        shift += 7
