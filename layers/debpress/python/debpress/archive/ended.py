"""Snapshots that hosts can't find (any more): in the making, ended, or never finished."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from debpress import openpgp
from debpress.archive import objects
from debpress.archive.named import Named
from debpress.index import release
from debpress.index.release import Release
from debpress.layout import SNAPSHOTS, STATE, Layout, snapshotted
from debpress.records.generation import EndedSnapshot
from debpress.store import Head, Store


class EndedSnapshots:
    """`listed` is what there is below dists/, `alive` the paths that have an InRelease. One that
    ended after `cutoff` is kept."""

    def __init__(self, store: Store, layout: Layout, cutoff: datetime) -> None:
        self._store = store
        self._layout = layout
        self._cutoff = cutoff
        self._kept: dict[str, Release] = {}
        self._left: list[Head] = []

    def look(self, listed: list[Head], alive: set[str]) -> None:
        """Finds them among what is listed. Raises CorruptError."""
        state = list(self._store.list(f"{STATE}{SNAPSHOTS}/"))
        notes = {head.key: head for head in state}
        found = [(_path(dists(self._layout), head.key), head) for head in listed]
        found += [(_path(STATE, head.key), head) for head in state]
        for path, head in found:
            if path is None or path in alive or path in self._kept:
                continue
            note = notes.get(Layout.ended(path))
            if note is not None and note.last_modified >= self._cutoff:
                ended = objects.require(self._store, EndedSnapshot, note.key)
                self._kept[path] = release.parse(ended.release.encode("utf-8", "surrogateescape"))
            else:
                self._left.append(head)

    def named(self) -> Iterator[str]:
        """What ended so lately that hosts may still ask for what it named."""
        for path, listed in self._kept.items():
            yield from Named(self._store, self._layout, path).by_release(listed)

    def left(self) -> list[Head]:
        """All else that is there of those that have no InRelease, for when it is old enough."""
        return self._left

    def end(self, path: str) -> bool:
        """Takes the InRelease of a snapshot away, unless it is no more what it was.

        The note comes first: without it, the next reaper would find nothing that keeps the rest.
        One that died in between leaves a note without effect, and the next one writes it anew.
        """
        found = self._store.get(self._layout.inrelease(path))
        if found is None:
            return False
        text, _ = openpgp.split(found.body)
        note = EndedSnapshot(text.decode("utf-8", "surrogateescape"))
        objects.keep(self._store, Layout.ended(path), note)
        self._store.delete(found.head.key, found.head.version_id)
        # Where apt is told 404, it would go on with these.
        for key in (self._layout.release_gpg(path), self._layout.release(path)):
            if (head := self._store.head(key)) is not None:
                self._store.delete(key, head.version_id)
        return True


def dists(layout: Layout) -> str:
    """The folder of all suites."""
    return layout.dist("", "").rstrip("/") + "/"


def _path(folder: str, key: str) -> str | None:
    """The snapshot that a key below `folder` is of."""
    path = "/".join(key.removeprefix(folder).split("/")[:3])
    return path if snapshotted(path) else None
