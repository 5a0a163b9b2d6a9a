"""A Contents index: which packages have a file, a line for each path, in the paths' order.

`usr/bin/foo utils/foo,utils/foo-ng` (DebianRepository/Format, "Contents indices"). As an index of
packages is, it is stored in members, whose bounds follow from the lines alone; so an edit parses
and compresses the members that it touches, and inflates the others for the sum of the whole text.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from debpress.errors import CorruptError
from debpress.index import gz
from debpress.index.entries import field
from debpress.index.form import Checksum, Form

# One line in this many begins a member: some 300 kB of text.
LINES_PER_MEMBER = 4096

_BEGINNING = 8192
_COME, _GONE = b"+", b"-"
# A section may be anything that a control file says; in a line it ends at a blank or a comma.
_SECTION = re.compile(r"[^\s,\0]+")


class Built(NamedTuple):
    """The index to be published: its text's checksum, and the stored form."""

    plain: Checksum
    gz: Form


def owner_of(stanza: bytes) -> str:
    """What a line says of a package, all of its versions alike: `utils/foo`."""
    section, package = field(stanza, "Section"), field(stanza, "Package")
    return f"{section}/{package}" if _SECTION.fullmatch(section) else package


def come(path: bytes, owner: str) -> bytes:
    """The change by which `owner` has a file. Changes are sorted as text: so by their paths."""
    return b"\0".join((path, owner.encode("utf-8", "surrogateescape"), _COME))


def gone(path: bytes, owner: str) -> bytes:
    """The change by which it has not; where the same one comes as well, it has."""
    return b"\0".join((path, owner.encode("utf-8", "surrogateescape"), _GONE))


def edit(form: Form | None, changes: Iterable[bytes]) -> Built:
    """The published index (None: there is none) with sorted changes; a member of it in memory at a
    time, and what comes into that. Raises CorruptError where debpress did not make it."""
    base = form or Form()
    writer, waiting = _Writer(base), _Changes(changes)
    members = [(each, first) for each in gz.members(base) if (first := _first(base, each))]
    ends = [*(first for _, first in members[1:]), None]
    for (member, first), after in zip(members, ends, strict=bool(members)):
        if waiting.is_before(after):
            for path, owners in _applied(_lines(base, member), waiting, after):
                writer.line(path, owners)
        else:
            writer.keep(member, first)
    for path, owners in _applied((), waiting, None):
        writer.line(path, owners)
    return writer.end()


class _Change(NamedTuple):
    path: bytes
    come: set[bytes]
    gone: set[bytes]


class _Changes:
    """Sorted changes, those of a path together, the next one in sight."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._groups = groupby((line.split(b"\0") for line in lines), key=lambda parts: parts[0])
        self.next: _Change | None = None
        self.take()

    def take(self) -> _Change | None:
        """The next one, and goes on."""
        taken, self.next = self.next, None
        for path, group in self._groups:
            said = [(owner, sign) for _, owner, sign in group]
            self.next = _Change(
                path,
                {owner for owner, sign in said if sign == _COME},
                {owner for owner, sign in said if sign == _GONE},
            )
            break
        return taken

    def is_before(self, path: bytes | None) -> bool:
        """Whether one is of a path before this one; None: whether there is any."""
        return self.next is not None and (path is None or self.next.path < path)

    def before(self, path: bytes | None) -> Iterator[_Change]:
        """Takes all of these."""
        while self.is_before(path) and (change := self.take()):
            yield change


def _applied(
    lines: Iterable[tuple[bytes, set[bytes]]], changes: _Changes, end: bytes | None
) -> Iterator[tuple[bytes, set[bytes]]]:
    """Lines with the changes that are before `end`."""
    for path, owners in lines:
        yield from ((c.path, c.come) for c in changes.before(path) if c.come)
        found = changes.take() if changes.next and changes.next.path == path else None
        left = (owners - found.gone) | found.come if found else owners
        if left:
            yield path, left
    yield from ((c.path, c.come) for c in changes.before(end) if c.come)


class _Writer:
    """`keep` and `line` in the order of paths. A kept member is held back until the line behind it
    is seen to begin a member of its own."""

    def __init__(self, base: Form) -> None:
        self._base = base
        self._held: gz.Member | None = None
        self._open: list[bytes] = []
        self._form = Form()
        self._hash = hashlib.sha256()
        self._size = 0

    def keep(self, member: gz.Member, first: bytes) -> None:
        if (self._open or self._held) and not _begins(first):
            for path, owners in _lines(self._base, member):
                self.line(path, owners)
            return
        self._flush()
        self._held = member

    def line(self, path: bytes, owners: set[bytes]) -> None:
        if _begins(path):
            self._flush()
        elif self._held:
            self._open, self._held = [_text(self._base, self._held)], None
        self._open.append(path + b" " + b",".join(sorted(owners)) + b"\n")

    def end(self) -> Built:
        self._flush()
        if not self._size:
            self._form.write(gz.compress(b""))
        return Built(Checksum(self._hash.hexdigest(), self._size), self._form)

    def _flush(self) -> None:
        if self._held:
            packed = self._base.read(self._held.start, self._held.length)
            self._write(gz.decompress(packed), packed)
        elif self._open:
            text = b"".join(self._open)
            self._write(text, gz.compress(text))
        self._held, self._open = None, []

    def _write(self, text: bytes, packed: bytes) -> None:
        self._hash.update(text)
        self._size += len(text)
        self._form.write(packed)


def _begins(path: bytes) -> bool:
    """Whether a line begins a member: a property of its path alone (law 6)."""
    return zlib.crc32(path) % LINES_PER_MEMBER == 0


def _text(form: Form, member: gz.Member) -> bytes:
    return gz.decompress(form.read(member.start, member.length))


def parse(line: bytes) -> tuple[bytes, set[bytes]]:
    """A path, which may have blanks in it, and its owners."""
    path, _, owners = line.rpartition(b" ")
    return path, set(owners.split(b","))


def _lines(form: Form, member: gz.Member) -> Iterator[tuple[bytes, set[bytes]]]:
    return map(parse, _text(form, member).split(b"\n")[:-1])


def _first(form: Form, member: gz.Member) -> bytes:
    """The path of the first line; empty where there is none, as in an index of nothing."""
    # A path has 4 KiB at most; its line may have any number of owners.
    packed = form.read(member.start, min(member.length, _BEGINNING))
    line, end, _ = gz.beginning(packed, _BEGINNING).partition(b"\n")
    if not end:
        line, end, _ = _text(form, member).partition(b"\n")
    if not end and line:
        raise CorruptError("a Contents index has a line without an end")
    return parse(line)[0]
