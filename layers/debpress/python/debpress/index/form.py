"""A stored form of an index on this machine, however large it is.

It is in memory up to a megabyte, and in a temporary file beyond that: so what a step holds follows
from what it changes, not from what there is.
"""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile, gettempdir
from typing import BinaryIO, NamedTuple, cast

from debpress.errors import StoreError

PIECE = 1 << 20


class Checksum(NamedTuple):
    """A file's SHA-256 (hex) and its size in bytes, as Release lists them."""

    sha256: str
    size: int


def checksum_of(data: bytes) -> Checksum:
    return Checksum(hashlib.sha256(data).hexdigest(), len(data))


class Form:
    """Bytes that are first written, and then read wherever one likes; by one thread at a time.

    Equal to another of the same bytes. Raises StoreError where the disk is full.
    """

    def __init__(self, pieces: Iterable[bytes] = ()) -> None:
        self._file = SpooledTemporaryFile(max_size=PIECE)  # noqa: SIM115 (closed by the finalizer)
        weakref.finalize(self, self._file.close)
        self._hash = hashlib.sha256()
        self.size = 0
        for piece in pieces:
            self.write(piece)

    def write(self, piece: bytes) -> None:
        try:
            self._file.write(piece)
        except OSError as error:
            raise StoreError(
                f"no room for an index of more than {self.size} bytes in {gettempdir()}: {error}; "
                "give the function more ephemeral storage"
            ) from error
        self._hash.update(piece)
        self.size += len(piece)

    @property
    def checksum(self) -> Checksum:
        return Checksum(self._hash.hexdigest(), self.size)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def read(self, start: int, length: int) -> bytes:
        """The bytes from `start`, fewer than `length` at the end."""
        self._file.seek(start)
        return self._file.read(length)

    def pieces(self) -> Iterator[bytes]:
        """All of the bytes, in order, at most 1 MiB at a time."""
        for start in range(0, self.size, PIECE):
            yield self.read(start, PIECE)

    def open(self) -> BinaryIO:
        """The file, at its beginning."""
        self._file.seek(0)
        return cast(BinaryIO, self._file)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Form) and self.checksum == other.checksum

    __hash__ = None  # type: ignore[assignment]
