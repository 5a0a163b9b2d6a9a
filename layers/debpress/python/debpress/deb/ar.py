"""The outer archive of a .deb: ar's common format (deb(5)), its headers only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from debpress.deb.window import Window
from debpress.errors import Code
from debpress.findings import refused, shown

MAGIC = b"!<arch>\n"
HEADER = 60
# name 16, date 12, uid 6, gid 6, mode 8, size 10, end 2: dpkg looks at name, size and end.
# A size may stand to the right, and dpkg does not look at what is behind it.
_FORM = re.compile(rb"(?s)(.{16}).{32}(?=.{10}`\n) *(?:([0-9]+)(?: .*)?)?`\n")
# Every member after data.tar costs a read; a package has three members, a signed one four.
_MOST_MEMBERS = 32


@dataclass(frozen=True, slots=True)
class Member:
    """A member: its bytes are `size` from `start`; not `whole` if the object ends before them, or
    before the byte that makes them even."""

    name: bytes
    start: int
    size: int
    whole: bool


def members(window: Window, complete: Callable[[], bool] = lambda: False) -> Iterator[Member]:
    """The members in order. Raises RejectedError where the archive stops making sense.

    A header is read only when the member before it has been dealt with. Once the archive is
    `complete`, fewer bytes than a header has may follow, as dpkg looks at nothing there.
    """
    place = len(MAGIC)
    for _ in range(_MOST_MEMBERS):
        if place == window.size:
            return
        left = window.size - place - HEADER
        if left < 0:
            if complete():
                return
            raise _cut(f"it ends inside the header of a member, at byte {window.size}")
        fits = _FORM.fullmatch(window.exactly(place, HEADER))
        if fits is None:
            behind = "behind its data.tar, where other programs read on, " if complete() else ""
            raise refused(
                Code.DEB_MALFORMED,
                f"has {behind}no ar member header at byte {place}; build it again with dpkg-deb",
            )
        # As dpkg does: blanks off, then the one slash that GNU ar puts after a name.
        name = fits[1].rstrip(b" ").removesuffix(b"/").partition(b"\0")[0]
        size = int(fits[2] or b"0")
        yield Member(name, place + HEADER, size, size + size % 2 <= left)
        if size > left:
            raise _cut(f"its member {shown(name)} is {size} bytes and {left} are there")
        place += HEADER + size + size % 2
        if place > window.size:
            raise _cut(
                f"the padding byte after its member {shown(name)} is not there, and dpkg from "
                "1.23.6 on takes no archive of an odd size"
            )
    if place < window.size:
        raise refused(
            Code.DEB_MALFORMED,
            f"has more than {_MOST_MEMBERS} members; build it again with dpkg-deb",
        )


def _cut(why: str) -> Exception:
    return refused(Code.DEB_TRUNCATED, f"is cut short: {why}; upload it again")
