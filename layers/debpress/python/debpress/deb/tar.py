"""Finding the control file in an unpacked control.tar.

A reader of our own and not `tarfile`: only one file is wanted, nothing is kept of the others,
and a hostile header must be an answer rather than a surprise. It reads what dpkg's `tar` would
extract: v7, ustar, GNU long names and pax names.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from debpress.deb.findings import Report, refused, shown
from debpress.errors import Code

_BLOCK = 512
_ZEROS = bytes(_BLOCK)
_REGULAR = (b"0", b"\0", b"7")
# Links, devices, directories, pipes: nothing follows their header.
_EMPTY = (b"1", b"2", b"3", b"4", b"5", b"6")
_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL = b"L", b"K", b"x", b"g"
_MOST_NAME = 64 * 1024
_OCTAL = re.compile(rb"[ \0]*([0-7]+)[ \0]*")


@dataclass(frozen=True, slots=True)
class _Header:
    name: bytes
    kind: bytes
    size: int

    @property
    def padded(self) -> int:
        return -(-self.size // _BLOCK) * _BLOCK


def control_file(pieces: Iterable[bytes], report: Report, most: int) -> bytes | None:
    """The bytes of `control` or `./control`, the one regular file of that name.

    Reports what is wrong with how it is stored. Reads to the end, so that what follows the file
    is checked too. Raises RejectedError where the archive makes no sense.
    """
    source = _Source(pieces)
    found: bytes | None = None
    seen = 0
    name: bytes | None = None
    while (header := _next(source)) is not None:
        if header.kind in (_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL):
            name = _renamed(header, _extra(source, header), name)
            continue
        if header.kind not in (*_REGULAR, *_EMPTY):
            raise _broken(f"it has an entry of unknown type {shown(header.kind)}")
        if header.kind in _EMPTY and header.size:
            raise _broken("it has bytes behind an entry that is no file")
        path, name = (header.name if name is None else name), None
        if posixpath.basename(posixpath.normpath(path)) != b"control":
            source.skip(header.padded)
            continue
        seen += 1
        if path not in (b"control", b"./control") or header.kind not in _REGULAR:
            report(
                Code.CONTROL_MALFORMED,
                f"control.tar holds {shown(path)}, which is not the plain file ./control; "
                "build the package again with dpkg-deb",
            )
            source.skip(header.padded)
        elif header.size > most:
            report(
                Code.CONTROL_TOO_LARGE,
                f"its control file is {header.size} bytes, the most is {most}; make it smaller",
            )
            source.skip(header.padded)
        else:
            found = source.exactly(header.padded)[: header.size]
    source.finish()
    if seen > 1:
        report(
            Code.CONTROL_MALFORMED,
            f"control.tar holds {seen} files named control; build the package again",
        )
    elif not seen:
        report(
            Code.CONTROL_MISSING,
            "control.tar holds no control file; build the package again with dpkg-deb",
        )
    return found if seen == 1 else None


class _Source:
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

    def exactly(self, length: int) -> bytes:
        data = b"".join(self.take(length))
        if len(data) < length:
            raise _broken("it ends inside a file")
        return data

    def skip(self, length: int) -> None:
        if sum(len(part) for part in self.take(length)) < length:
            raise _broken("it ends inside a file")

    def finish(self) -> None:
        """Unpacks the rest, which checks the sums at the end of the compressed stream."""
        for _ in self._pieces:
            pass


def _next(source: _Source) -> _Header | None:
    block = b"".join(source.take(_BLOCK))
    if not block or block == _ZEROS:
        return None
    if len(block) < _BLOCK:
        raise _broken("it ends inside a header")
    # POSIX pax, "ustar Interchange Format": the sum is taken with its own field as blanks.
    if _number(block[148:156], "sum") != sum(block) - sum(block[148:156]) + 8 * 0x20:
        raise _broken("the sum of a header is wrong")
    name = block[:100].partition(b"\0")[0]
    prefix = block[345:500].partition(b"\0")[0]
    if block[257:263] == b"ustar\0" and prefix:
        name = prefix + b"/" + name
    return _Header(name, block[156:157], _number(block[124:136], "size"))


def _number(field: bytes, what: str) -> int:
    # GNU's base-256 form is for 8 GiB and up, which is far too large anyway.
    fits = _OCTAL.fullmatch(field)
    if fits is None:
        raise _broken(f"the {what} in a header is {shown(field)}")
    return int(fits[1], 8)


def _extra(source: _Source, header: _Header) -> bytes:
    if header.size > _MOST_NAME:
        raise _broken(f"it has a header extension of {header.size} bytes")
    return source.exactly(header.padded)[: header.size]


def _renamed(header: _Header, body: bytes, name: bytes | None) -> bytes | None:
    """The name that the next entry has because of this extension."""
    if header.kind == _LONG_LINK:
        return name
    if header.kind == _LONG_NAME:
        return body.partition(b"\0")[0]
    for keyword, value in _pax_records(body):
        if keyword == b"size" or keyword.startswith(b"GNU.sparse."):
            raise _broken(f"it has the pax keyword {shown(keyword)}")
        if keyword == b"path":
            if header.kind == _PAX_GLOBAL:
                raise _broken("it names all its files at once")
            name = value
    return name


def _pax_records(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The records `<length> <keyword>=<value>\\n` (POSIX pax, "pax Extended Header")."""
    while body:
        digits, blank, _ = body.partition(b" ")
        length = int(digits) if len(digits) < 6 and digits.isdigit() else 0
        record = body[len(digits) + 1 : length]
        keyword, equals, value = record.partition(b"=")
        if not (blank and equals and length <= len(body) and value.endswith(b"\n")):
            raise _broken("it has a malformed pax header")
        yield keyword, value[:-1]
        body = body[length:]


def _broken(why: str) -> Exception:
    return refused(
        Code.DEB_MALFORMED,
        f"control.tar can't be read: {why}; build the package again with dpkg-deb",
    )
