"""One .xz stream of many blocks, put together from blocks compressed one at a time.

apt decodes only the first stream of a file, so a file of several streams is refused; every apt
reads several blocks in one stream. The format: xz-file-format.txt 1.1.0, section 2 (stream), 3
(block), 4 (index).
"""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from debpress.errors import CorruptError
from debpress.index.form import PIECE, Form

_CHECK = lzma.CHECK_CRC64
_FLAGS = bytes((0, _CHECK))
_HEADER = b"\xfd7zXZ\x00" + _FLAGS + struct.pack("<I", zlib.crc32(_FLAGS))
_FOOTER_MAGIC = b"YZ"

# Bytes. A dictionary larger than a block would improve nothing, and xz takes ten times its size in
# memory.
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 1 << 20}]


class Sizes(NamedTuple):
    """Of a block without its padding, and of its text, in bytes: as the index lists them (section
    4.3)."""

    unpadded: int
    plain: int

    @property
    def padded(self) -> int:
        return self.unpadded + -self.unpadded % 4


class Block(NamedTuple):
    """A block with its padding."""

    data: bytes
    sizes: Sizes


class Span(NamedTuple):
    """Where a block begins in a form."""

    start: int
    sizes: Sizes


class Writer:
    """Puts blocks together to one stream, in a form of its own."""

    def __init__(self) -> None:
        self._form = Form([_HEADER])
        self._sizes: list[Sizes] = []

    def add(self, data: bytes, sizes: Sizes) -> None:
        self._form.write(data)
        self._sizes.append(sizes)

    def end(self) -> Form:
        self._form.write(_end(self._sizes))
        return self._form


def compress(plain: bytes) -> Block:
    """`plain` compressed as one block."""
    stream = Form([lzma.compress(plain, format=lzma.FORMAT_XZ, check=_CHECK, filters=_FILTERS)])
    (span,) = blocks(stream)
    return Block(read(stream, span), span.sizes)


def read(form: Form, span: Span) -> bytes:
    """A block of a form, with its padding."""
    return form.read(span.start, span.sizes.padded)


def decompress(data: bytes, sizes: Sizes) -> bytes:
    """The text of one block. Raises CorruptError."""
    try:
        return lzma.decompress(_HEADER + data + _end([sizes]), format=lzma.FORMAT_XZ)
    except lzma.LZMAError as error:
        raise CorruptError(f"an .xz index can't be unpacked: {error}") from error


def blocks(form: Form) -> list[Span]:
    """The blocks of a stream that a `Writer` could have made.

    Raises CorruptError for anything else: several streams, another check, a damaged index.
    """
    footer = form.read(max(form.size - 12, 0), 12)
    if form.size < 32 or form.read(0, 12) != _HEADER or footer[-2:] != _FOOTER_MAGIC:
        raise CorruptError("an .xz index is not one stream with CRC64 checks")
    start = form.size - 12 - 4 * (struct.unpack("<I", footer[4:8])[0] + 1)
    index = form.read(start, form.size - 12 - start) if start >= 12 else b""
    if len(index) < 8 or struct.unpack("<I", index[-4:])[0] != zlib.crc32(index[:-4]):
        raise CorruptError("the index at the end of an .xz file is damaged")
    count, position = _read_vli(index, 1)
    found = []
    offset = 12
    for _ in range(count):
        unpadded, position = _read_vli(index, position)
        plain, position = _read_vli(index, position)
        sizes = Sizes(unpadded, plain)
        found.append(Span(offset, sizes))
        offset += sizes.padded
    if offset != start:
        raise CorruptError("an .xz index holds more than its one stream")
    return found


def inflate(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The text of an .xz file of one stream, whichever program made it, at most 1 MiB at a time.

    Raises CorruptError, also for several streams, of which apt would read only the first.
    """
    inflater = lzma.LZMADecompressor(format=lzma.FORMAT_XZ)
    try:
        for piece in pieces:
            text = inflater.decompress(piece, PIECE)
            while text or not (inflater.needs_input or inflater.eof):
                yield text
                text = b"" if inflater.eof else inflater.decompress(b"", PIECE)
    except (lzma.LZMAError, EOFError) as error:
        raise CorruptError(f"it is not exactly one xz stream: {error}") from error
    if not inflater.eof or inflater.unused_data:
        raise CorruptError("it is not exactly one xz stream")


def _end(sizes: Iterable[Sizes]) -> bytes:
    """The index and the footer of a stream."""
    sizes = list(sizes)
    records = b"".join(_vli(s.unpadded) + _vli(s.plain) for s in sizes)
    index = b"\x00" + _vli(len(sizes)) + records
    index += b"\x00" * (-len(index) % 4)
    index += struct.pack("<I", zlib.crc32(index))
    backward = struct.pack("<I", len(index) // 4 - 1) + _FLAGS
    return index + struct.pack("<I", zlib.crc32(backward)) + backward + _FOOTER_MAGIC


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
