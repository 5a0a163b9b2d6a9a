"""Lines put in order, however many: a part of them in memory, the others sorted in files."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterable, Iterator
from heapq import merge

from debpress.index import gz
from debpress.index.form import Form

# So many lines are in memory: some 5 MB of paths.
_MOST = 50_000
_JOINED = 1000


class Sorter:
    """Takes lines in any order, from whichever thread, and gives each once, in the order of their
    bytes. No line holds a newline. Raises StoreError where the disk is full."""

    def __init__(self) -> None:
        self._lines: set[bytes] = set()
        self._parts: list[Form] = []
        self._lock = threading.Lock()

    def add(self, line: bytes) -> None:
        self.update((line,))

    def update(self, lines: Iterable[bytes]) -> None:
        """Adds several."""
        for line in lines:
            with self._lock:
                self._lines.add(line)
                if len(self._lines) >= _MOST:
                    self._parts.append(packed(sorted(self._lines)))
                    self._lines.clear()

    def __iter__(self) -> Iterator[bytes]:
        before = None
        for line in merge(sorted(self._lines), *map(unpacked, self._parts)):
            if line != before:
                yield line
            before = line


def packed(lines: Iterable[bytes]) -> Form:
    """Lines as one gzip member: the same lines, the same bytes."""
    deflater = zlib.compressobj(6, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    form = Form()
    for text in _joined(lines):
        form.write(deflater.compress(text))
    form.write(deflater.flush())
    return form


def unpacked(form: Form) -> Iterator[bytes]:
    """The lines that were packed. Raises CorruptError."""
    return lines_of(gz.inflate(form.pieces()))


def lines_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a text that comes in pieces, without their newlines."""
    left = b""
    for piece in pieces:
        *lines, left = (left + piece).split(b"\n")
        yield from lines
    if left:
        yield left


def _joined(lines: Iterable[bytes]) -> Iterator[bytes]:
    group: list[bytes] = []
    for line in lines:
        group.append(line + b"\n")
        if len(group) == _JOINED:
            yield b"".join(group)
            group = []
    yield b"".join(group)
