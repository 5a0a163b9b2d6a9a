"""Reading control.tar as the tar that dpkg calls reads it, and telling what dpkg would not take.

dpkg hands the archive to GNU tar, and then refuses the package at unpack for a folder, a device or
a name that it finds among the files (dpkg 1.21, lib/dpkg/dir.c and src/main/unpack.c). What is in
the control file and in the lists that dpkg reads itself is judged elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from debpress.deb import blocks
from debpress.errors import Code
from debpress.findings import Report, refused, shown

_REGULAR = (b"0", b"\0", b"7")
_HARD_LINK, _SYMLINK, _FOLDER = b"1", b"2", b"5"
_DEVICES = (b"3", b"4", b"6")
# Nothing follows their header, whatever size it says: POSIX lets a folder's say how much fits in.
_EMPTY = (_HARD_LINK, _SYMLINK, _FOLDER, *_DEVICES)
_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL = b"L", b"K", b"x", b"g"
_MOST_NAME = 64 * 1024
_OCTAL = re.compile(rb"[ \0]*([0-7]+)[ \0]*")
# What GNU tar takes for a number, whatever is behind it; beside it base-256, of 64 bits.
_LAX = re.compile(rb"(?s)\0? *[0-7]+(?:[ \0].*)?")
_MOST = 2**63
# Owner and group count only where they have no names.
_NUMBERS = {"mode": (100, 108, 0), "owner": (108, 116, 265), "group": (116, 124, 297),
            "time": (136, 148, 0)}  # fmt: skip

# Those that dpkg reads itself, and the scripts: of these the text is kept.
LISTS = (b"conffiles", b"triggers")
SCRIPTS = (b"preinst", b"postinst", b"prerm", b"postrm")
# dpkg's MAXCONTROLFILENAME, of names without a dot: it passes over the others.
_LONGEST = 100
_LONGEST_WITH_DOT = 255
# Bytes of a control file. For one stanza of more than 1 MiB apt (as of 2.6) gives up the whole
# index, and a stanza has the file's place and its sums as well.
_MOST_CONTROL = 10**6
_MOST_FILES = 10_000

_REBUILD = "build the package again with dpkg-deb"


@dataclass(slots=True)
class ControlTar:
    """What control.tar holds: the bytes of `control`, if it is there once and is a plain file; the
    texts of LISTS, and the first line of each of SCRIPTS; the names of all plain files."""

    control: bytes | None = None
    texts: dict[bytes, bytes] = field(default_factory=dict)
    names: set[bytes] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Header:
    name: bytes
    kind: bytes
    size: int
    link: bytes


def read(pieces: Iterable[bytes], report: Report, most: int) -> ControlTar:
    """Reports what dpkg would refuse, and a control file that is not there exactly once.

    Reads to the end, so that what follows is checked too. Raises RejectedError where the archive
    makes no sense; no file of interest may be larger than `most` bytes.
    """
    reader = _Reader(blocks.Source(pieces), report, most)
    try:
        return reader.read()
    except blocks.CutError:
        raise _broken("it ends inside a file") from None


class _Reader:
    def __init__(self, source: blocks.Source, report: Report, most: int) -> None:
        self._source = source
        self._report = report
        self._most = most
        self._found = ControlTar()
        self._controls = 0
        self._symlinks: list[tuple[bytes, bytes]] = []

    def read(self) -> ControlTar:
        for header in _entries(self._source):
            self._take(header)
        self._source.finish()
        for name, target in self._symlinks:
            if target.removeprefix(b"./") not in self._found.names:
                self._refuse(f"{shown(name)}, a link to what is no file of it")
        if self._controls > 1:
            self._report(
                Code.CONTROL_MALFORMED,
                f"control.tar holds {self._controls} files named control; build the package again",
            )
            self._found.control = None
        elif not self._controls:
            self._report(
                Code.CONTROL_MISSING,
                f"control.tar holds no control file; {_REBUILD}",
            )
        return self._found

    def _take(self, header: _Header) -> None:
        """One entry, with the bytes behind it."""
        parts = blocks.parts_of(header.name)
        size = 0 if header.kind in _EMPTY else header.size
        if b"control" in parts[-1:]:
            self._controls += 1
            self._control(header, size)
            return
        if not parts and header.kind == _FOLDER:
            return
        if problem := self._problem(header, parts):
            self._refuse(problem)
            self._source.skip(blocks.padded(size))
        elif header.kind == _SYMLINK:
            self._symlinks.append((header.name, header.link))
        else:
            self._file(parts[0], size)

    def _control(self, header: _Header, size: int) -> None:
        if header.name not in (b"control", b"./control") or header.kind not in _REGULAR:
            self._report(
                Code.CONTROL_MALFORMED,
                f"control.tar holds {shown(header.name)}, which is not the plain file ./control; "
                f"{_REBUILD}",
            )
            self._source.skip(blocks.padded(size))
        else:
            self._found.names.add(b"control")
            self._found.control = self._text(b"control", size, min(self._most, _MOST_CONTROL))

    def _problem(self, header: _Header, parts: list[bytes]) -> str:
        """Why dpkg would refuse the package for this entry; empty where it does not."""
        name = shown(header.name)
        if b".." in parts:
            return f"{name}, which leads out of it"
        if header.kind == _FOLDER or len(parts) != 1 or header.name.endswith(b"/"):
            return f"the folder {name}, and dpkg takes none there"
        if header.kind in _DEVICES:
            return f"{name}, which is a device or a pipe"
        longest = _LONGEST_WITH_DOT if b"." in parts[0] else _LONGEST
        if len(parts[0]) > longest:
            return f"{name}, and dpkg takes names of {longest} characters there"
        if len(self._found.names) == _MOST_FILES:
            raise _broken(f"it holds more than {_MOST_FILES} files")
        return self._problem_of_link(header, parts[0])

    def _problem_of_link(self, header: _Header, name: bytes) -> str:
        if header.kind in (_SYMLINK, _HARD_LINK) and name in LISTS:
            return f"{shown(name)} as a link; put the file there"
        target = b"/".join(blocks.parts_of(header.link))
        if header.kind == _HARD_LINK and target not in self._found.names:
            return f"{shown(name)}, a link to what is no file before it"
        return ""

    def _file(self, name: bytes, size: int) -> None:
        self._found.names.add(name)
        if name in LISTS:
            self._found.texts[name] = self._text(name, size, self._most) or b""
        elif name in SCRIPTS:
            start = self._source.exactly(min(size, blocks.BLOCK))
            self._source.skip(blocks.padded(size) - len(start))
            self._found.texts[name] = start.partition(b"\n")[0]
        else:
            self._source.skip(blocks.padded(size))

    def _text(self, name: bytes, size: int, most: int) -> bytes | None:
        if size <= most:
            return self._source.exactly(blocks.padded(size))[:size]
        self._report(
            Code.CONTROL_TOO_LARGE,
            f"its {name.decode()} file is {size} bytes, the most is {most}; make it smaller",
        )
        self._source.skip(blocks.padded(size))
        return None

    def _refuse(self, what: str) -> None:
        self._report(Code.CONTROL_MALFORMED, f"its control.tar holds {what}; {_REBUILD}")


def _entries(source: blocks.Source) -> Iterator[_Header]:
    """The entries, their long names in place; each one's bytes are to be taken before the next."""
    name: bytes | None = None
    link: bytes | None = None
    while (header := _next(source)) is not None:
        if header.kind == _LONG_LINK:
            link = blocks.text(_extra(source, header))
        elif header.kind in (_LONG_NAME, _PAX, _PAX_GLOBAL):
            name = _renamed(header, _extra(source, header), name)
        elif header.kind not in (*_REGULAR, *_EMPTY):
            raise _broken(f"it has an entry of unknown type {shown(header.kind)}")
        else:
            yield _Header(
                header.name if name is None else name,
                header.kind,
                header.size,
                header.link if link is None else link,
            )
            name = link = None


def _next(source: blocks.Source) -> _Header | None:
    block = source.block()
    if not block or block == blocks.ZEROS:
        return None
    if len(block) < blocks.BLOCK:
        raise _broken("it ends inside a header")
    said = _number(block[blocks.SUM], "sum")
    if said not in (blocks.sum_of(block), blocks.signed_sum_of(block)):
        raise _broken("the sum of a header is wrong")
    for what, (start, end, instead) in _NUMBERS.items():
        if not (instead and block[instead]) and not _is_number(block[start:end]):
            raise _broken(f"the {what} in a header is {shown(block[start:end])}")
    return _Header(
        blocks.name_of(block),
        block[156:157],
        _number(block[124:136], "size"),
        blocks.text(block[157:257]),
    )


def _is_number(said: bytes) -> bool:
    if said[0] == 0x80:
        return int.from_bytes(said[1:], "big") < _MOST
    if said[0] == 0xFF:
        return int.from_bytes(said, "big", signed=True) >= -_MOST
    return _LAX.fullmatch(said) is not None


def _number(said: bytes, what: str) -> int:
    # GNU's base-256 form is for 8 GiB and up, which is far too large anyway.
    fits = _OCTAL.fullmatch(said)
    if fits is None:
        raise _broken(f"the {what} in a header is {shown(said)}")
    return int(fits[1], 8)


def _extra(source: blocks.Source, header: _Header) -> bytes:
    if header.size > _MOST_NAME:
        raise _broken(f"it has a header extension of {header.size} bytes")
    return source.exactly(blocks.padded(header.size))[: header.size]


def _renamed(header: _Header, body: bytes, name: bytes | None) -> bytes | None:
    """The name that the next entry has because of this extension."""
    if header.kind == _LONG_NAME:
        return blocks.text(body)
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
        f"control.tar can't be read: {why}; {_REBUILD}",
    )
