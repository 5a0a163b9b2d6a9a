"""Unpacking a control member in small steps, bounded in output, memory and time."""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from debpress.deb import zstd
from debpress.deb.findings import refused
from debpress.errors import Code

_STEP = 64 * 1024
# `xz -9` needs 65 MiB; a header may ask for 4 GiB.
_XZ_MEMORY = 128 * 1024 * 1024
# dpkg unpacks members made of several streams. Nobody makes many, and empty ones cost time.
_MOST_STREAMS = 64
_ERRORS = (zlib.error, lzma.LZMAError, zstd.ZstdError, EOFError, ValueError)


class Decompressor(Protocol):
    """The interface shared by lzma and zstd in the standard library."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """zlib behind the same interface."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        out = self._inflate.decompress(self._inflate.unconsumed_tail + data, max_length)
        # An output as long as allowed may have more behind it, inside zlib.
        self.needs_input = not self._inflate.unconsumed_tail and len(out) < max_length
        return out


def _xz() -> Decompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)


_CONTROL: dict[str, Callable[[], Decompressor] | None] = {
    "": None,
    ".gz": _Gzip,
    ".xz": _xz,
    ".zst": zstd.decompressor,
}
# What dpkg 1.21 unpacks (deb(5)): bzip2 and lzma in data.tar only.
CONTROL = tuple(_CONTROL)
DATA = (*CONTROL, ".bz2", ".lzma")


def unpack(extension: str, pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
    """What the member with this extension (one of CONTROL) holds, in pieces of at most 64 KiB.

    Raises RejectedError when it can't be unpacked, or when more than `most` bytes came out.
    """
    start = _CONTROL[extension]
    total = 0
    for piece in pieces if start is None else _unpacked(start, extension, pieces):
        total += len(piece)
        if total > most:
            raise refused(
                Code.CONTROL_TOO_LARGE,
                f"control.tar{extension} unpacks to more than {most} bytes; "
                "put what is so large into the package's files",
            )
        yield piece


def _unpacked(
    start: Callable[[], Decompressor], extension: str, pieces: Iterable[bytes]
) -> Iterator[bytes]:
    stream = start()
    streams = 1
    for piece in pieces:
        feed = piece
        while feed or not (stream.eof or stream.needs_input):
            if stream.eof:
                stream = start()
                streams += 1
            if streams > _MOST_STREAMS:
                raise _broken(extension, f"it is made of more than {_MOST_STREAMS} streams")
            try:
                out = stream.decompress(feed, _STEP)
            except _ERRORS as error:
                raise _broken(extension, str(error)) from error
            feed = stream.unused_data if stream.eof else b""
            if out:
                yield out
    if not stream.eof:
        raise _broken(extension, "it ends too early")


def _broken(extension: str, why: str) -> Exception:
    return refused(
        Code.DEB_MALFORMED,
        f"control.tar{extension} can't be unpacked: {why}; build the package again",
    )
