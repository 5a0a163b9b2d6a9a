"""Brings back what the published releases name, and somebody has deleted.

The bucket keeps the versions of what was deleted for a week. Whatever is below `pool/` and
`by-hash/` is named by its own content, so the newest version that has bytes is the right one; of an
index that is checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from debpress.archive import objects
from debpress.archive.archive import Archive
from debpress.archive.headers import FRESH, TEXT
from debpress.archive.named import Named
from debpress.concurrency import side_by_side
from debpress.errors import IndexGoneError
from debpress.index.release import Release
from debpress.layout import FILES, INDEX_SUFFIXES, is_contents
from debpress.store import Object, ObjectHeaders, PreconditionFailed, Store


class History(Protocol):
    """What can be brought back: earlier versions, or the objects of another bucket."""

    def versions(self, key: str) -> list[str]:
        """The ids of a key's versions that have bytes, the newest first."""

    def read(self, key: str, version: str) -> Object | None:
        """One of them."""

    def revive(self, key: str, version: str) -> None:
        """Makes one of them the current object."""


@dataclass(slots=True)
class Restored:
    """The keys that came `back` (or would, in a dry run), and those that are `lost`: no version of
    them is left. `untold` are suites of which an index is not back yet, so that nobody can say
    which packages they name."""

    back: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Restoration:
    """`dry_run`: say what would be done."""

    store: Store
    archive: Archive
    history: History
    dry_run: bool = False
    done: Restored = field(default_factory=Restored)

    def run(self, paths: Iterable[str]) -> Restored:
        """Goes through the releases of suites and snapshots, by their paths below dists/."""
        for path in paths:
            release = self._release(path)
            if release is not None:
                self._contents(path, release)
        return self.done

    def _release(self, path: str) -> Release | None:
        key = self.archive.layout.inrelease(path)
        found = self.store.get(key)
        if found is None:
            found = next(self._earlier(key), None)
            if found is None:
                self.done.lost.append(key)
                return None
            self._put_inrelease(key, found)
        return self.archive.suite(path).parse(found).release

    def _put_inrelease(self, key: str, found: Object) -> None:
        """It is what hosts have seen last, so nothing goes back. Where somebody publishes at this
        moment, theirs stays."""
        self.done.back.append(key)
        if self.dry_run:
            return
        headers = ObjectHeaders(TEXT, FRESH, dict(found.head.metadata))
        try:
            self.store.put(key, found.body, headers, if_absent=True)
        except PreconditionFailed:
            self.done.back.remove(key)

    def _earlier(self, key: str) -> Iterator[Object]:
        for version in self.history.versions(key):
            found = self.history.read(key, version)
            if found is not None:
                yield found

    def _contents(self, path: str, listed: Release) -> None:
        """Indices first: they say which packages there are."""
        names = [name for name in listed.files if name.endswith(INDEX_SUFFIXES)]
        there = {name: self._index(path, name, listed) for name in names}
        # Which packages there are, Contents do not say.
        if not all(is_there for name, is_there in there.items() if not is_contents(name)):
            self.done.untold.append(path)
            return
        named = Named(self.store, self.archive.layout, path).by_release(listed)
        pool = self.archive.layout.pool("pool/")
        packages = sorted({key for key in named if key.startswith(pool)})
        side_by_side(self._package, packages)
        if any(is_contents(name) for name in names):
            side_by_side(self._list_of_files, [f"{key}{FILES}" for key in packages])

    def _index(self, path: str, name: str, listed: Release) -> bool:
        """Whether the index is there, in the end."""
        checksum = listed.files[name]
        key = self.archive.layout.by_hash(path, name, checksum.sha256)
        for version in (None, *self.history.versions(key)):
            if version is not None:
                if self.dry_run:
                    self.done.back.append(key)
                    return False
                self.history.revive(key, version)
            try:
                objects.read_form(self.store, key, checksum)
            except IndexGoneError:
                continue
            if version is not None:
                self.done.back.append(key)
            return True
        self.done.lost.append(key)
        return False

    def _package(self, key: str) -> None:
        if not self._revived(key):
            self.done.lost.append(key)

    def _list_of_files(self, key: str) -> None:
        """What is published needs none, and not every package has one."""
        self._revived(key)

    def _revived(self, key: str) -> bool:
        """Whether the object is there, in the end."""
        if self.store.head(key) is not None:
            return True
        versions = self.history.versions(key)
        if not versions:
            return False
        if not self.dry_run:
            self.history.revive(key, versions[0])
        self.done.back.append(key)
        return True
