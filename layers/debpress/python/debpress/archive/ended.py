"""Snapshots without an InRelease, which hosts therefore can't find: ended, unfinished or abandoned.

Files of a snapshot that ended within the grace are kept, since a host that has read its InRelease
may still fetch them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from debpress import openpgp
from debpress.archive import objects
from debpress.archive.named import Named
from debpress.index import release
from debpress.index.release import Release
from debpress.layout import SNAPSHOTS, STATE, Layout, snapshotted
from debpress.records.generation import Ended
from debpress.store import Head, Store


class EndedSnapshots:
    """The snapshots of one reaping. What a snapshot named is kept if it ended after `cutoff`."""

    def __init__(self, store: Store, layout: Layout, cutoff: datetime) -> None:
        self._store = store
        self._layout = layout
        self._cutoff = cutoff
        self._kept: dict[str, Release] = {}
        self._left: list[Head] = []

    def look(self, listed: list[Head], alive: set[str]) -> None:
        """Sorts the objects of snapshots that have no InRelease into kept and left over.

        `listed` are all objects below dists/, `alive` the paths that have an InRelease. Raises
        CorruptError.
        """
        state = list(self._store.list(f"{STATE}{SNAPSHOTS}/"))
        notes = {head.key: head for head in state}
        found = [(_path(dists(self._layout), head.key), head) for head in listed]
        found += [(_path(STATE, head.key), head) for head in state]
        for path, head in found:
            if path is None or path in alive or path in self._kept:
                continue
            note = notes.get(Layout.ended(path))
            if note is not None and note.last_modified >= self._cutoff:
                ended = objects.require(self._store, Ended, note.key)
                self._kept[path] = release.parse(ended.release.encode("utf-8", "surrogateescape"))
            else:
                self._left.append(head)

    def named(self) -> Iterator[str]:
        """The keys that recently ended snapshots named, which hosts may still ask for."""
        for path, listed in self._kept.items():
            yield from Named(self._store, self._layout, path).by_release(listed)

    def left(self) -> list[Head]:
        """The other objects of snapshots without InRelease: to be deleted once they are old."""
        return self._left

    def end(self, path: str) -> bool:
        """Deletes the InRelease of a snapshot; False where it is gone already.

        The note (Ended) is written first: without it, the next reaping would not know that
        the snapshot's other files must be kept for the grace. A reaper that dies between the note
        and the deletion does no harm: while there is an InRelease the note has no effect, and the
        next reaping writes it again.
        """
        found = self._store.get(self._layout.inrelease(path))
        if found is None:
            return False
        text, _ = openpgp.split(found.body)
        note = Ended(text.decode("utf-8", "surrogateescape"))
        objects.keep(self._store, Layout.ended(path), note)
        self._store.delete(found.head.key, found.head.version_id)
        # Without InRelease (404), apt would fall back to Release and Release.gpg.
        for key in (self._layout.release_gpg(path), self._layout.release(path)):
            if (head := self._store.head(key)) is not None:
                self._store.delete(key, head.version_id)
        return True


def dists(layout: Layout) -> str:
    """The folder of all suites."""
    return layout.dist("", "").rstrip("/") + "/"


def _path(folder: str, key: str) -> str | None:
    """The snapshot that a key below `folder` belongs to, None where it belongs to none."""
    path = "/".join(key.removeprefix(folder).split("/")[:3])
    return path if snapshotted(path) else None
