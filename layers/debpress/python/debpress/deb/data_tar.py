"""Walking data.tar as dpkg does when it unpacks it, keeping no more than the names in it.

dpkg has a reader of its own for it, which knows less than tar: no PAX headers, no sparse files
(lib/dpkg/tarfn.c and src/main/archives.c of dpkg 1.21 to 1.23, and what it does by experiment). It
makes no folders that the archive does not hold, and makes symbolic links when all else is there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from debpress.deb import blocks
from debpress.errors import Code
from debpress.findings import refused, shown

_FILE, _HARD_LINK, _SYMLINK, _FOLDER = b"0", b"1", b"2", b"5"
_DEVICES = (b"3", b"4", b"6")
_LONG_NAME, _LONG_LINK = b"L", b"K"
_PAX = (b"x", b"g")
_MOST_NAME = 64 * 1024
# A path and a link's target are one string to Linux (PATH_MAX, its end counted); each part of a
# path is a file's name (NAME_MAX). Beside a file that it is about to replace dpkg makes
# `<name>.dpkg-new`.
_LONGEST_PATH = 4095
_LONGEST_NAME = 255
_BESIDE = len(".dpkg-new")
# Names that are remembered, so that memory is bounded; Debian's largest package has some 100,000.
_MOST_NAMES = 1_000_000
_MOST_UID = 2**32 - 1
_MOST_SIZE = 2**63 - 1

# Folders that are there on every host, since the essential package base-files has them: dpkg takes
# a file in them although the archive does not hold them.
_ON_HOSTS = frozenset(
    b"""
    bin boot dev etc etc/default etc/dpkg etc/dpkg/origins etc/profile.d etc/skel home lib proc root
    run sbin sys tmp usr usr/bin usr/games usr/include usr/lib usr/sbin usr/share
    usr/share/common-licenses usr/share/dict usr/share/doc usr/share/info usr/share/man
    usr/share/misc usr/src var var/backups var/cache var/lib var/lib/dpkg var/lib/misc var/local
    var/lock var/log var/run var/spool var/tmp
    media mnt opt srv usr/local usr/local/bin usr/local/etc usr/local/games usr/local/include
    usr/local/lib usr/local/sbin usr/local/share usr/local/src var/mail var/opt
    """.split()
)


@dataclass(frozen=True, slots=True)
class _Header:
    name: bytes
    link: bytes
    kind: bytes
    size: int


def walk(
    pieces: Iterable[bytes],
    removed: Collection[bytes] = (),
    *,
    beyond: bool = True,
    tell: Callable[[bytes], None] | None = None,
) -> None:
    """Reads to the end. Raises RejectedError for the first thing that dpkg would refuse, or would
    leave out without a word. `removed`: paths that the package's conffiles say are removed. `tell`
    is told the path of all that is no folder, `usr/bin/foo`."""
    try:
        found = _Walk(blocks.Source(pieces), removed, tell)
        found.run()
        if beyond:
            found.end()
    except blocks.CutError:
        raise _broken("it ends inside a file") from None


class _EnoughError(Exception):
    """So much was to be read, and no more."""


def walk_start(
    pieces: Iterable[bytes], most: int, removed: Collection[bytes] = (), *, beyond: bool = True
) -> bool:
    """The same of the first `most` bytes, or little more, and nothing is said of what follows.

    Unless `beyond`, nothing is read behind the end of the archive. Gives whether that was reached.
    What `pieces` are unpacked from may be bounded as well, by `first`.
    """
    try:
        walk(first(pieces, most), removed, beyond=beyond)
    except _EnoughError:
        return False
    return True


def first(pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
    """The first `most` bytes, or little more; `walk_start` takes what is behind them for unread."""
    for piece in pieces:
        yield piece
        most -= len(piece)
        if most <= 0:
            raise _EnoughError


class _Walk:
    def __init__(
        self,
        source: blocks.Source,
        removed: Collection[bytes],
        tell: Callable[[bytes], None] | None,
    ) -> None:
        self._source = source
        self._removed = removed
        self._tell = tell
        self._folders: set[bytes] = set()
        # Of all that is no folder and no symbolic link: what a hard link may be to. Hashes, whose
        # seed is this process's own, for they take a tenth of the memory.
        self._files: set[int] = set()
        # Those that are spelled with more slashes and dots than needed: to dpkg, other files.
        self._spelled: dict[int, int] = {}
        self._without_folder: list[tuple[bytes, bytes]] = []

    def run(self) -> None:
        name: bytes | None = None
        link: bytes | None = None
        while (header := self._next()) is not None:
            if header.kind == _LONG_NAME:
                name = self._long(header)
            elif header.kind == _LONG_LINK:
                link = self._long(header)
            else:
                self._entry(
                    header.name if name is None else name,
                    header.link if link is None else link,
                    header,
                )
                name = link = None
        for path, folder in self._without_folder:
            if not self._is_folder(folder):
                raise _no_folder(path)

    def _next(self) -> _Header | None:
        block = self._source.block()
        if not block:
            return None
        if len(block) < blocks.BLOCK:
            raise _broken("it ends inside a header")
        name = blocks.name_of(block)
        problem = _problem(block)
        if not name and problem:
            return None  # Of whatever begins with a NUL, dpkg takes what is no header for the end.
        if problem:
            raise _broken(f"{problem} ({shown(name)})")
        size = _number(block[124:136])
        assert size is not None
        return _Header(name, blocks.text(block[157:257]), _kind(block), size)

    def _long(self, header: _Header) -> bytes:
        if not header.name:
            raise _broken("it has a long name whose own header has none")
        if header.size > _MOST_NAME:
            raise _broken(f"it has a name of {header.size} bytes")
        return blocks.text(self._source.exactly(blocks.padded(header.size))[: header.size])

    def _entry(self, name: bytes, link: bytes, header: _Header) -> None:
        if not name:
            raise _broken("it has a file without a name")
        if b"\n" in name:
            raise _broken(f"it has a file with a newline in its name, {shown(name)}")
        parts = blocks.parts_of(name)
        if b".." in parts:
            raise _broken(f"it holds {shown(name)}, and `..` may lead out of the host's root")
        path = b"/".join(parts)
        if path in self._removed:
            raise _broken(f"it holds {shown(name)}, which conffiles has removed from hosts")
        kind = header.kind
        if kind == _FOLDER:
            self._folder(name, path)
        elif kind == _FILE:
            # Old tars mark a folder by a slash behind its name; dpkg makes it a file.
            self._place(name, path)
            self._keep(name.removesuffix(b"/"), path)
            self._source.skip(blocks.padded(header.size))
        elif kind == _SYMLINK:
            self._symlink(name, path, link)
        elif kind == _HARD_LINK or kind in _DEVICES:
            self._place(name, path)
            if kind == _HARD_LINK:
                self._hard_link(name, path, link)
            self._keep(name, path)
        else:
            raise _unknown(kind, name)
        if self._tell and kind != _FOLDER:
            self._tell(path)

    def _folder(self, name: bytes, path: bytes) -> None:
        if self._is_folder(path):
            return
        if hash(path) in self._files:
            raise _broken(f"{shown(name)} is both a file and a folder in it")
        self._place(name, path)
        if len(self._folders) == _MOST_NAMES:
            raise _broken(f"it has more than {_MOST_NAMES} folders")
        self._folders.add(path)

    def _place(self, name: bytes, path: bytes) -> None:
        """What all but links need: a folder to be in, and a name that dpkg can write beside."""
        _check_length(name, path)
        if not self._is_folder(path.rpartition(b"/")[0]):
            raise _no_folder(name)
        if self._is_folder(path):
            raise _broken(f"{shown(name)} is a folder already, and no file")

    def _keep(self, name: bytes, path: bytes) -> None:
        key, spelling = hash(path), _without_root(name)
        odd = None if spelling == path else hash(spelling)
        if key in self._files and self._spelled.get(key) != odd:
            raise _broken(f"{shown(name)} is there twice, each time spelled otherwise")
        if len(self._files) == _MOST_NAMES:
            self._files.clear()
        self._files.add(key)
        if odd is not None:
            self._spelled[key] = odd

    def _hard_link(self, name: bytes, path: bytes, link: bytes) -> None:
        target = b"/".join(blocks.parts_of(link))
        if target == path or hash(target) not in self._files:
            raise _broken(f"{shown(name)} is a hard link to {shown(link)}, no file before it")

    def _symlink(self, name: bytes, path: bytes, target: bytes) -> None:
        if self._is_folder(path):
            return
        _check_length(name, path)
        if not target or len(target) > _LONGEST_PATH:
            raise _broken(f"{shown(name)} is a symbolic link to {shown(target)}, which can't be")
        if name.endswith(b"/"):
            raise _broken(f"{shown(name)} is a symbolic link, and its name ends with a slash")
        folder = path.rpartition(b"/")[0]
        if not self._is_folder(folder):
            if len(self._without_folder) == _MOST_NAME:
                raise _no_folder(name)
            self._without_folder.append((name, folder))

    def _is_folder(self, path: bytes) -> bool:
        return not path or path in _ON_HOSTS or path in self._folders

    def end(self) -> None:
        """Behind the end of the archive, where dpkg reads no more."""
        while len(block := self._source.block()) == blocks.BLOCK:
            if block[0] and _problem(block) == "":
                raise _broken(
                    f"it goes on behind its end, with {shown(blocks.name_of(block))}, and dpkg "
                    "would leave out what is there"
                )
        self._source.finish()


def _without_root(name: bytes) -> bytes:
    while name.startswith((b"/", b"./")):
        name = name[1:]
    return name


def _kind(block: bytes) -> bytes:
    kind = block[156:157]
    return _FILE if kind == b"\0" else kind


def _problem(block: bytes) -> str:
    """Why dpkg would not take this for a header; empty if it does."""
    fields = {"size": (124, 136, _MOST_SIZE), "uid": (108, 116, _MOST_UID)}
    fields |= {"gid": (116, 124, _MOST_UID), "mtime": (136, 148, _MOST_SIZE)}
    for what, (start, end, most) in fields.items():
        number = _number(block[start:end])
        least = -most - 1 if what == "mtime" else 0
        if number is None or not least <= number <= most:
            return f"the {what} in a header is {shown(block[start:end])}"
    said = _octal(block[blocks.SUM])
    return "" if said == blocks.sum_of(block) else "the sum of a header is wrong"


def _number(said: bytes) -> int | None:
    """A number as dpkg reads it: octal, or two's complement behind a first byte of 0x80 or 0xff."""
    if said[:1] == b"\x80":
        return int.from_bytes(said[1:], "big")
    if said[:1] == b"\xff":
        return int.from_bytes(said, "big", signed=True)
    return _octal(said)


def _octal(said: bytes) -> int | None:
    digits = said.lstrip(b" ")
    if not digits:
        return None
    digits = digits.rstrip(b" \0")
    if not digits:
        return 0
    return int(digits, 8) if all(byte in b"01234567" for byte in digits) else None


def _check_length(name: bytes, path: bytes) -> None:
    beside = len(path.rpartition(b"/")[2]) + _BESIDE
    if beside > _LONGEST_NAME or len(path) + 1 + _BESIDE > _LONGEST_PATH:
        raise _broken(f"the name {shown(name)} is longer than dpkg can write")


def _unknown(kind: bytes, name: bytes) -> Exception:
    if kind in _PAX:
        return _broken(
            f"it has a PAX header of type {shown(kind)}, and dpkg knows none; in Python's tarfile "
            "say format=GNU_FORMAT"
        )
    return _broken(f"{shown(name)} has the type {shown(kind)}, which dpkg does not know")


def _no_folder(name: bytes) -> Exception:
    return _broken(f"it holds {shown(name)} and before it no entry for its folder; dpkg makes none")


def _broken(why: str) -> Exception:
    return refused(
        Code.DEB_MALFORMED,
        f"no host can unpack its data.tar: {why}; build the package again with dpkg-deb",
    )
