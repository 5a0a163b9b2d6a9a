"""Ranged reads of an object, few and large: on S3 each one is a request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from debpress.errors import Code
from debpress.findings import refused

# The first read takes in the headers and the control member of all but a few packages.
AHEAD = 128 * 1024
_LARGE = 8 * 1024 * 1024
_PIECE = 64 * 1024


class Reader(Protocol):
    """Random access to the bytes of a package."""

    def read(self, start: int, length: int) -> bytes:
        """Exactly the `length` bytes from `start`; only ranges inside the package are asked."""


class Window:
    """The part of an object read last, moved forward as needed."""

    def __init__(self, reader: Reader, size: int) -> None:
        self.size = size
        self._reader = reader
        self._start = 0
        self._held = b""

    def exactly(self, start: int, length: int) -> bytes:
        """Bytes inside the object. Raises RejectedError if the reader has fewer than `size`."""
        if not (self._start <= start and start + length <= self._start + len(self._held)):
            self._load(start, max(length, AHEAD))
        offset = start - self._start
        return self._held[offset : offset + length]

    def pieces(self, start: int, length: int, read: int = _LARGE) -> Iterator[bytes]:
        """The same in pieces of at most 64 KiB, of which what is held already is not re-read; each
        time `read` bytes are fetched."""
        end = start + length
        while start < end:
            left = self._start + len(self._held) - start
            if not (self._start <= start and left > 0):
                # AHEAD more, so that the header after this member comes with it.
                self._load(start, min(end - start, read) + AHEAD)
                left = len(self._held)
            step = min(end - start, left, _PIECE)
            yield self.exactly(start, step)
            start += step

    def _load(self, start: int, length: int) -> None:
        length = min(length, self.size - start)
        self._held = b""
        self._held = self._reader.read(start, length)
        self._start = start
        if len(self._held) < length:
            raise refused(
                Code.DEB_TRUNCATED,
                f"ends at byte {start + len(self._held)} of {self.size}; upload it again",
            )
