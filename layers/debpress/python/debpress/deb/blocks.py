"""What the readers of control.tar and data.tar share: bytes in order, and the parts of a header.

Readers of our own and not `tarfile`: little is wanted, nothing is kept of the rest, and a hostile
header must be an answer rather than a surprise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

BLOCK = 512
ZEROS = bytes(BLOCK)
# Where the sum is, which is taken with its own field as blanks (POSIX pax, "ustar Interchange
# Format").
SUM = slice(148, 156)
_BLANKS = 8 * 0x20


class CutError(Exception):
    """The archive ends where more must follow."""


class Source:
    """Bytes taken in order from pieces, never more than one piece ahead."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces: Iterator[bytes] = iter(pieces)
        self._piece = b""
        self._at = 0

    def take(self, length: int) -> Iterator[bytes]:
        """At most `length` bytes; fewer only at the end."""
        while length:
            if self._at == len(self._piece):
                self._piece, self._at = next(self._pieces, b""), 0
                if not self._piece:
                    return
            part = self._piece[self._at : self._at + length]
            self._at += len(part)
            length -= len(part)
            yield part

    def block(self) -> bytes:
        """One block; fewer bytes only at the end."""
        return b"".join(self.take(BLOCK))

    def exactly(self, length: int) -> bytes:
        """Raises CutError if there are fewer."""
        data = b"".join(self.take(length))
        if len(data) < length:
            raise CutError
        return data

    def skip(self, length: int) -> None:
        """Raises CutError if there are fewer."""
        if sum(len(part) for part in self.take(length)) < length:
            raise CutError

    def finish(self) -> None:
        """Unpacks the rest, which checks the sums at the end of the compressed stream."""
        for _ in self._pieces:
            pass


def padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def text(field: bytes) -> bytes:
    """What a field of characters holds, up to its first NUL."""
    return field.partition(b"\0")[0]


def name_of(block: bytes) -> bytes:
    """The name in the header itself, its prefix before it where there is one."""
    name, prefix = text(block[:100]), text(block[345:500])
    return prefix + b"/" + name if block[257:263] == b"ustar\0" and prefix else name


def sum_of(block: bytes) -> int:
    return sum(block) - sum(block[SUM]) + _BLANKS


def signed_sum_of(block: bytes) -> int:
    """The sum as old tars took it, whose characters had signs: 128 up count as less than zero."""
    rest = block[: SUM.start] + block[SUM.stop :]
    return sum_of(block) - 256 * sum(byte > 0x7F for byte in rest)


def parts_of(name: bytes) -> list[bytes]:
    """The steps of a path below the root, those that lead nowhere (`.`, empty) left out."""
    return [part for part in name.split(b"/") if part not in (b"", b".")]
