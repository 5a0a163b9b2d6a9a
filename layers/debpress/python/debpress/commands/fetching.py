"""Fetches packages of a foreign repository into a cache, where a broken fetch is taken up again."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from debpress.commands.packages import LocalPackage, examine
from debpress.errors import Code, Refusal, RejectedError, SourceError, TransientError
from debpress.source.place import Place
from debpress.source.plan import Wanted

# How often in a row a fetch may break off.
_ATTEMPTS = 4
_PIECE = 1 << 20

Count = Callable[[int], None]


def default_cache() -> Path:
    """Where caches are kept (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "debpress" / "import"


class Cache:
    """`<folder>/<sha256>-<component>/<name>` are whole packages, with `.part` behind it what was
    begun, and with `.checked` the architecture of one that was found good, so that a second run
    need not unpack it again: S3 and the press sum what is sent. Two components may have the same
    package: each fetches its own, and drops its own."""

    def __init__(self, folder: Path, place: Place, count: Count) -> None:
        """`count` is told of the bytes that there are, as they come."""
        self._folder = folder
        self._place = place
        self._count = count

    def bring(self, wanted: Wanted, *, as_published: bool = False) -> LocalPackage:
        """The package on this machine, checked as an upload would be, or as what hosts have
        already. Raises RejectedError, whose refusals name the file of the source; TransientError;
        SourceError."""
        path = self._path(wanted)
        checked = _beside(path, "checked")
        try:
            if path.is_file():
                self._count(wanted.size)
                if checked.is_file():
                    identity = (*wanted.identity[:2], checked.read_text())
                    built_for = wanted.identity.architecture
                    return LocalPackage(path, wanted.sha256, wanted.size, identity, built_for)
            else:
                self._fetch(wanted, path)
            package = self._examined(wanted, path, as_published=as_published)
            if not package.lived_with:
                checked.write_text(package.identity[2])
        except OSError as error:
            raise SourceError(f"{path} can't be written: {error.strerror}") from error
        return package

    def _examined(self, wanted: Wanted, path: Path, *, as_published: bool) -> LocalPackage:
        packages, refusals = examine([path], as_published=as_published)
        if refusals:
            raise _refused(wanted, *((each.code, each.message) for each in refusals))
        [package] = packages
        if package.sha256 != wanted.sha256:
            path.unlink()
            raise SourceError(f"{path} was altered on this machine; run this again")
        found = (*package.identity[:2], package.built_for)
        if found != tuple(wanted.identity):
            said, index = " ".join(found), " ".join(wanted.identity)
            message = f"its control file says {said}, the source's index says {index}"
            raise _refused(wanted, (Code.NAME_DISAGREES, f"{message}; publish it there anew"))
        return package

    def drop(self, wanted: Wanted) -> None:
        """Frees the disk of what is needed no more."""
        path = self._path(wanted)
        for each in (_beside(path, "checked"), path):
            each.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()

    def home(self) -> Path:
        """The folder, made where it was not there. Raises SourceError."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SourceError(f"{self._folder} can't be made: {error.strerror}") from error
        return self._folder

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps other imports out of the folder: both would write the same files, and each drop
        what the other has still to send. Raises TransientError where one is in it, SourceError."""
        home = self.home()
        lock = home.with_name(f"{home.name}.lock")
        try:
            # It stays when all is done: who removed it might remove another one's.
            file = lock.open("ab")
        except OSError as error:
            raise SourceError(f"{lock} can't be written: {error.strerror}") from error
        with file:
            try:
                # Whatever ends the process ends this, too.
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise TransientError(
                    f"another import fetches into {home} now: run this again when it has ended, "
                    "or say another folder (--cache)"
                ) from error
            yield

    def lacking(self, wanted: Wanted) -> int:
        """The bytes that are still to be fetched."""
        path = self._path(wanted)
        if path.is_file():
            return 0
        part = _beside(path, "part")
        return max(0, wanted.size - (part.stat().st_size if part.is_file() else 0))

    def _path(self, wanted: Wanted) -> Path:
        return self._folder / f"{wanted.sha256}-{wanted.component}" / wanted.name

    def _fetch(self, wanted: Wanted, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = _beside(path, "part")
        for left in reversed(range(_ATTEMPTS)):
            begun = part.stat().st_size if part.exists() else 0
            self._count(begun if left == _ATTEMPTS - 1 else 0)
            try:
                self._append(wanted, part, begun)
            except TransientError:
                if not left:
                    raise
                continue
            sha256 = _sha256(part)
            if sha256 == wanted.sha256:
                part.rename(path)
                return
            part.unlink()
            if not begun:
                raise changed(wanted, sha256)
            # What was there before may have been of another file.

    def _append(self, wanted: Wanted, part: Path, start: int) -> None:
        pieces = self._place.stream(wanted.path, start)
        if pieces is None:
            message = f"{self._place.uri(wanted.path)} is not there, though the index lists it"
            raise _refused(wanted, (Code.FILE_MISSING, f"{message}; publish it there anew"))
        size = start
        with part.open("ab") as file:
            for piece in pieces:
                size += len(piece)
                file.write(piece)
                self._count(len(piece))
                if size > wanted.size:
                    return


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f"{path.name}.{what}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def changed(wanted: Wanted, sha256: str) -> RejectedError:
    """Of a package with another SHA-256 than the source's index says."""
    return _refused(
        wanted,
        (
            Code.SUM_MISMATCH,
            f"its SHA-256 is {sha256}, and the source's index says {wanted.sha256}; publish it "
            "there anew, or restore the file",
        ),
    )


def _refused(wanted: Wanted, *problems: tuple[Code, str]) -> RejectedError:
    return RejectedError(Refusal(wanted.path, code, message) for code, message in problems)
