"""The outer archive of a .deb: ar's common format (deb(5)), its headers only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from debpress.deb.findings import Report, shown
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


def members(window: Window, report: Report) -> Iterator[Member]:
    """The members in order, as far as the archive makes sense; reports where it does not.

    A header is read only when the member before it has been dealt with.
    """
    place = len(MAGIC)
    for _ in range(_MOST_MEMBERS):
        left = window.size - place - HEADER
        if left == -HEADER:
            return
        if left < 0:
            report(
                Code.DEB_TRUNCATED,
                f"ends inside the header of a member, at byte {window.size}; upload it again",
            )
            return
        header = window.exactly(place, HEADER)
        fits = _FORM.fullmatch(header)
        if fits is None:
            report(
                Code.DEB_MALFORMED,
                f"has no ar member header at byte {place}; build it again with dpkg-deb",
            )
            return
        # As dpkg does: blanks off, then the one slash that GNU ar puts after a name.
        name = fits[1].rstrip(b" ").removesuffix(b"/")
        size = int(fits[2])
        yield Member(name, place + HEADER, size, size <= left)
        if size > left:
            report(
                Code.DEB_TRUNCATED,
                f"is cut short: its member {shown(name)} is {size} bytes and {left} are there; "
                "upload it again",
            )
            return
        place += HEADER + size + size % 2
        if place > window.size:
            report(
                Code.DEB_TRUNCATED,
                f"is cut short: the padding byte after its member {shown(name)} is not there; "
                "upload it again",
            )
            return
    if place < window.size:
        report(
            Code.DEB_MALFORMED,
            f"has more than {_MOST_MEMBERS} members; build it again with dpkg-deb",
        )
