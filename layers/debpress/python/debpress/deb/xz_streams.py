"""How many streams an .xz file has, told from its end alone.

A stream ends with an index, which has the length of each of its blocks, and a footer, which has
the index's own (The .xz File Format, sections 2.1.2 and 4). What is longer than its last stream
has others before that.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

_HEADER = 12
_FOOTER = 12
# One read. An index has some 8 bytes for a block, of which xz -T makes one each 24 MiB.
_TAIL = 64 * 1024
_MOST_INDEX = 4 * 1024 * 1024


class Bytes(Protocol):
    def exactly(self, start: int, length: int) -> bytes: ...


def problem(source: Bytes, start: int, size: int) -> str:
    """What is wrong with the end of the `size` bytes from `start`; empty if they are one stream.

    An index of more than 4 MiB is left alone.
    """
    tail = source.exactly(start + size - min(size, _TAIL), min(size, _TAIL))
    padding = len(tail) - len(tail.rstrip(b"\0"))
    footer = tail[: len(tail) - padding][-_FOOTER:]
    if len(footer) < _FOOTER or footer[10:] != b"YZ" or not _sums(footer[4:10], footer[:4]):
        return "it ends with no footer of a stream: it is cut short, or has other bytes behind it"
    length = 4 * (int.from_bytes(footer[4:8], "little") + 1)
    if length > min(_MOST_INDEX, size):
        return ""
    index = source.exactly(start + size - padding - _FOOTER - length, length)
    if index[:1] != b"\0" or not _sums(index[:-4], index[-4:]):
        return "the index at its end is damaged"
    blocks = sum(-(-each // 4) * 4 for each in list(_numbers(index[1:-4]))[1::2])
    if _HEADER + blocks + length + _FOOTER + padding != size:
        return "it has more than one stream, and dpkg installs what is in the first"
    return ""


def _sums(body: bytes, said: bytes) -> bool:
    return zlib.crc32(body) == int.from_bytes(said, "little")


def _numbers(body: bytes) -> Iterator[int]:
    """How many records there are, then two for each: its length packed, and unpacked."""
    number = shift = 0
    for byte in body:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number = shift = 0
