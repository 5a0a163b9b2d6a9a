"""The outer archive of a .deb: ar's common format (deb(5)), its headers only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from debpress.deb.findings import refused, shown
from debpress.deb.window import Window
from debpress.errors import Code

MAGIC = b"!<arch>\n"
HEADER = 60
# name 16, date 12, uid 6, gid 6, mode 8, size 10, end 2: dpkg looks at name, size and end.
_FORM = re.compile(rb"(?s)(.{16}).{32}(?=.{10}`\n)([0-9]+) *`\n")
# Every member after data.tar costs a read; a package has three members, a signed one four.
_MOST_MEMBERS = 32


@dataclass(frozen=True, slots=True)
class Member:
    """A member: its bytes are `size` from `start`; not `whole` if the object ends before."""

    name: bytes
    start: int
    size: int
    whole: bool


def members(window: Window) -> Iterator[Member]:
    """The members in order. Raises RejectedError where the archive stops making sense.

    A header is read only when the member before it has been dealt with.
    """
    place = len(MAGIC)
    for _ in range(_MOST_MEMBERS):
        if place == window.size:
            return
        left = window.size - place - HEADER
        if left < 0:
            raise _cut(f"it ends inside the header of a member, at byte {window.size}")
        fits = _FORM.fullmatch(window.exactly(place, HEADER))
        if fits is None:
            raise refused(
                Code.DEB_MALFORMED,
                f"has no ar member header at byte {place}; build it again with dpkg-deb",
            )
        # As dpkg does: blanks off, then the one slash that GNU ar puts after a name.
        name = fits[1].rstrip(b" ").removesuffix(b"/")
        size = int(fits[2])
        yield Member(name, place + HEADER, size, size <= left)
        if size > left:
            raise _cut(f"its member {shown(name)} is {size} bytes and {left} are there")
        place += HEADER + size + size % 2
        if place > window.size:
            raise _cut(f"the padding byte after its member {shown(name)} is not there")
    if place < window.size:
        raise refused(
            Code.DEB_MALFORMED,
            f"has more than {_MOST_MEMBERS} members; build it again with dpkg-deb",
        )


def _cut(why: str) -> Exception:
    return refused(Code.DEB_TRUNCATED, f"is cut short: {why}; upload it again")
