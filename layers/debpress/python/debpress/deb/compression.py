"""Unpacking a member in small steps, bounded in memory, and as dpkg does: what it passes over is
no part of the package.

dpkg reads all members of a gzip file (zlib's gzread), and of xz, zstd, bzip2 and lzma the first
stream alone (lib/dpkg/compress.c); what stands behind that it drops without a word.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from debpress.deb import zstd
from debpress.errors import Code
from debpress.findings import refused

_STEP = 64 * 1024
# `xz -9` needs 65 MiB; a header may ask for 4 GiB.
_XZ_MEMORY = 128 * 1024 * 1024
# Nobody makes many, and empty ones cost time. Of files in data.tar.gz, bgzip has one each 64 KiB.
_MOST_CONTROL_STREAMS = 64
_MOST_DATA_STREAMS = 65_536
# dpkg hands a member to its reader through a pipe, which holds as much: whoever writes more than
# the reader takes is killed, and dpkg fails.
_PIPE = 64 * 1024
_ERRORS = (zlib.error, lzma.LZMAError, zstd.ZstdError, EOFError, ValueError, OSError)


class Decompressor(Protocol):
    """The interface shared by lzma, bz2 and zstd in the standard library."""

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


def _lzma() -> Decompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_XZ_MEMORY)


_FORMS: dict[str, Callable[[], Decompressor] | None] = {
    "": None,
    ".gz": _Gzip,
    ".xz": _xz,
    ".zst": zstd.decompressor,
    ".bz2": bz2.BZ2Decompressor,
    ".lzma": _lzma,
}
# What dpkg 1.21 unpacks (deb(5)): bzip2 and lzma in data.tar only.
DATA = tuple(_FORMS)
CONTROL = DATA[:4]
_JOINED = ".gz"
_MAGIC = {".xz": b"\xfd7zXZ", ".zst": b"\x28\xb5\x2f\xfd", ".bz2": b"BZh"}


@dataclass(slots=True)
class Control:
    """control.tar, being unpacked. `unread`: streams that dpkg does not get to, so far."""

    extension: str
    unread: int = 0

    def unpack(self, pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
        """What dpkg sees of it, in pieces of at most 64 KiB; `extension` is one of CONTROL.

        Raises RejectedError when it can't be unpacked, or when more than `most` bytes came out.
        """
        total = 0
        for stream, piece in self._streams(pieces):
            total += len(piece)
            if total > most:
                raise refused(
                    Code.CONTROL_TOO_LARGE,
                    f"control.tar{self.extension} unpacks to more than {most} bytes; "
                    "put what is so large into the package's files",
                )
            if stream and self.extension != _JOINED:
                self.unread = stream
            else:
                yield piece

    def _streams(self, pieces: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
        name = f"control.tar{self.extension}"
        yield from _unpacked(name, self.extension, pieces, _MOST_CONTROL_STREAMS)


def unpack_data(extension: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """What the data member with this extension (one of DATA) holds, in pieces of at most 64 KiB.

    Raises RejectedError when it can't be unpacked, or when dpkg would not unpack all of it.
    """
    name = f"data.tar{extension}"
    most = _MOST_DATA_STREAMS if extension == _JOINED else 1
    for _, piece in _unpacked(name, extension, pieces, most):
        yield piece


def _unpacked(
    name: str, extension: str, pieces: Iterable[bytes], most: int
) -> Iterator[tuple[int, bytes]]:
    """Pieces, each with the number of the stream it is of. Raises for more than `most` streams."""
    start = _FORMS[extension]
    if start is None:
        yield from ((0, piece) for piece in pieces)
        return
    stream = start()
    number = padding = 0
    for piece in pieces:
        feed = piece
        while feed or not (stream.eof or stream.needs_input):
            if stream.eof:
                feed, padding = _without_padding(name, feed, padding)
                if not feed:
                    break
                stream, number = start(), number + 1
                if number == most:
                    raise _too_many(name, most, feed.startswith(_MAGIC.get(extension, b"")))
            try:
                out = stream.decompress(feed, _STEP)
            except _ERRORS as error:
                why = "what is behind its end can't be unpacked: " if number else ""
                raise broken(name, f"{why}{error}") from error
            feed = stream.unused_data if stream.eof else b""
            if out:
                yield number, out
    if not stream.eof:
        raise broken(name, "what is behind its end is cut short" if number else "it ends too early")


def _without_padding(name: str, feed: bytes, padding: int) -> tuple[bytes, int]:
    """Zeros behind the last stream are passed over, as many as dpkg takes; what is behind them can
    be no stream. Gives what is left of `feed`, and how many zeros there were until now."""
    if feed[0] and not padding:
        return feed, 0
    if feed.strip(b"\0"):
        raise broken(name, "it has bytes behind the zeros at its end")
    padding += len(feed)
    if padding > _PIPE:
        raise broken(name, f"more than {_PIPE} bytes follow its end, at which dpkg fails")
    return b"", padding


def _too_many(name: str, most: int, is_stream: bool) -> Exception:
    if not is_stream:
        return broken(name, "it has bytes behind its end, which no host unpacks")
    if most > 1:
        return broken(name, f"it is made of more than {most} streams")
    return broken(name, "it has more than one stream, and dpkg installs what is in the first")


def broken(name: str, why: str) -> Exception:
    return refused(
        Code.DEB_MALFORMED,
        f"{name} can't be unpacked: {why}; build the package again",
    )
