"""What has no InRelease, so that hosts can't find it: snapshots, and suites of patterns, that have
ended, were never finished, or are on their way.

What one of them named that ended within the grace is kept, since a host that has read its InRelease
may still fetch it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from debpress import openpgp
from debpress.archive import objects
from debpress.archive.headers import GENERATION
from debpress.archive.named import Named, is_deletable
from debpress.clock import from_iso, iso
from debpress.concurrency import side_by_side
from debpress.config import Repository
from debpress.index import release
from debpress.layout import SNAPSHOTS, STATE, Layout, snapshotted
from debpress.records.generation import EarlierEnd, End, Ended
from debpress.store import Head, Object, PreconditionFailed, Store
from debpress.suite.published import Published

# A function lives for fifteen minutes at most: whoever put an InRelease longer ago, or was to put
# the first one when there was none, writes nothing after it any more.
_SETTLED = timedelta(minutes=30)


class EndedPaths:
    """Of one reaping. What a snapshot or suite named is kept if it ended after `cutoff`. `hidden`
    are keys of which there may be many versions, so that one of them can't be deleted alone.
    `prefixes` are those of the names of suites of patterns."""

    def __init__(self, store: Store, repository: Repository, cutoff: datetime) -> None:
        self.hidden: set[str] = set()
        self._store = store
        self._layout = repository.layout
        self._cutoff = cutoff
        self.prefixes = tuple(each.life.prefix for each in repository.patterns if each.life)
        self._kept: dict[str, Ended] = {}
        self._left: list[Head] = []

    def look(
        self, listed: list[Head], alive: Collection[str], waiting: Collection[str] = ()
    ) -> None:
        """Sorts the objects of what has no InRelease into kept and left over.

        `listed` are all objects below dists/, `alive` the paths that have an InRelease, `waiting`
        those of suites for which a batch waits: what is remembered of these is kept. Raises
        CorruptError.
        """
        prefixes = (f"{SNAPSHOTS}/", *self.prefixes)
        state = [head for each in prefixes for head in self._store.list(f"{STATE}{each}")]
        found: dict[str, list[Head]] = {}
        for folder, heads in ((dists(self._layout), listed), (STATE, state)):
            for head in heads:
                if path := self._path(folder, head.key):
                    found.setdefault(path, []).append(head)
        self._look_among({head.key.removeprefix(dists(self._layout)) for head in listed})
        for path, heads in found.items():
            note = next((head for head in heads if head.key == Layout.ended(path)), None)
            is_kept = note is not None and note.last_modified >= self._cutoff
            if is_kept and note:
                # Also of a suite that has begun a new life since, which names other objects.
                self._kept[path] = objects.require(self._store, Ended, note.key)
            if path not in alive:
                old = [] if is_kept else heads
                if path in waiting:
                    old = [head for head in old if not head.key.startswith(STATE)]
                self._sort(path, old, note)

    def _look_among(self, keys: Collection[str]) -> None:
        """Keeps what other suites named that ended within the grace: of a pattern then, and of none
        now, be it that they are configured by their names, or no more."""
        names = {key.partition("/")[0] for key in keys}
        others = sorted(n for n in names if n != SNAPSHOTS and not n.startswith(self.prefixes))
        notes = side_by_side(lambda name: self._store.get(Layout.ended(name)), others)
        for name, note in zip(others, notes, strict=True):
            if note and note.head.last_modified >= self._cutoff:
                self._kept[name] = objects.read(Ended, note)

    def named(self) -> Iterator[str]:
        """The keys that were named by what ended lately, which hosts may still ask for."""
        for path, ended in self._kept.items():
            for end in (ended, *self._lately(ended)):
                yield from self._named(path, end)

    def _named(self, path: str, end: End) -> Iterator[str]:
        named, listed = Named(self._store, self._layout, path), release.parse(end.text)
        yield from named.by_release(listed)
        if end.generation and end.last_modified:
            modified = from_iso(end.last_modified)
            state = Published(listed, "", modified, end.generation, now=self._cutoff)
            yield from named.lately(state, self._cutoff)

    def _lately(self, ended: Ended) -> tuple[EarlierEnd, ...]:
        """The ends before this one that are within the grace, too."""
        return tuple(e for e in ended.earlier or () if from_iso(e.at) >= self._cutoff)

    def left(self) -> list[Head]:
        """The other objects of what has no InRelease: to be deleted once they are old."""
        return self._left

    def end(self, path: str, etag: str) -> bool:
        """Deletes the InRelease with this ETag; False where it is gone, or is another one.

        The note (Ended) is written first: without it, the next reaping would not know that the
        other files must be kept for the grace. A reaper that dies between the note and the deletion
        does no harm: while there is an InRelease the note ends nothing, and the next reaping writes
        it again.
        Of two reapers the slower might replace the note of a later end, so it is read before
        InRelease, and what was read is replaced (interleaving 68).

        A suite is deleted under conditions, since it may be published to at this moment
        (docs/protocol.md, interleavings 61 and 64). So what else there is of it is looked at first:
        what a new life writes there is put later.
        """
        noted = self._store.get(Layout.ended(path))
        found = self._store.get(self._layout.inrelease(path))
        if found is None or found.head.etag != etag:
            return False
        # Without InRelease (404), apt would fall back to Release and Release.gpg.
        others = [self._layout.release_gpg(path), self._layout.release(path)]
        if not snapshotted(path):
            others.append(self._layout.sources(path))
        heads = [head for key in others if (head := self._store.head(key))]
        note = self._added(noted, _ended(path, found))
        if not self._note(path, noted, note) or not self._delete(path, found.head):
            return False
        for head in heads:
            self._delete(path, head)
        return True

    def _added(self, noted: Object | None, note: Ended) -> Ended:
        """The note, with the ends that were noted within the grace: what hosts could read then is
        kept as long as if there had been no other end since."""
        if noted is None or noted.head.last_modified < self._cutoff:
            return note
        before = objects.read(Ended, noted)
        earlier = self._lately(before)
        if before.generation != note.generation:  # Else it is of a reaper that died at this end.
            at = iso(noted.head.last_modified)
            said = before.release, before.generation, before.last_modified
            earlier = (*earlier, EarlierEnd(*said, at=at))
        return replace(note, earlier=earlier or None)

    def _note(self, path: str, earlier: Object | None, note: Ended) -> bool:
        try:
            over = earlier.head.etag if earlier else None
            objects.replace(self._store, Layout.ended(path), note, over)
        except PreconditionFailed:
            return False
        return True

    def _delete(self, path: str, head: Head) -> bool:
        try:
            if snapshotted(path):  # Each of its objects has one version.
                self._store.delete(head.key, head.version_id)
            else:
                self._store.delete(head.key, if_match=head.etag)
        except PreconditionFailed:
            return False
        return True

    def _sort(self, path: str, heads: list[Head], note: Head | None) -> None:
        """The note is the last to go: by it a new life goes on from what is there of the old."""
        alone = len(heads) == 1
        left = [head for head in heads if alone or head is not note or snapshotted(path)]
        if not snapshotted(path):
            source = self._store.head(self._layout.sources(path))
            left += [source] if source else []
            self.hidden |= {head.key for head in left if not is_deletable(head.key)}
        self._left += left

    def _path(self, folder: str, key: str) -> str | None:
        """The snapshot, or the suite of a pattern, that a key below `folder` belongs to; None where
        it belongs to none."""
        parts = key.removeprefix(folder).split("/")
        path = "/".join(parts[:3])
        if snapshotted(path):
            return path
        name = parts[0]
        return name if len(parts) > 1 and name.startswith(self.prefixes) else None


def _ended(path: str, inrelease: Object) -> Ended:
    text, _ = openpgp.split(inrelease.body)
    head, said = inrelease.head, text.decode("utf-8", "surrogateescape")
    if snapshotted(path):
        return Ended(said)
    return Ended(said, head.metadata.get(GENERATION), iso(head.last_modified))


def over(repository: Repository, states: Mapping[str, Published]) -> dict[str, str]:
    """The ETag of each InRelease whose time is over, by its path. A suite that is configured by its
    name has no end, nor one of a pattern that is configured no more.

    That of a suite was put half an hour ago at least: until then the commit which put it may write
    the plain names, which would outlive it (docs/protocol.md, interleaving 66).
    """

    def is_over(path: str, state: Published) -> bool:
        if state.expires is None or state.expires > state.now:
            return False
        if snapshotted(path):
            return True
        return bool(repository.life(path)) and state.now - state.last_modified >= _SETTLED

    return {path: state.etag for path, state in states.items() if is_over(path, state)}


def dists(layout: Layout) -> str:
    """The folder of all suites."""
    return layout.dist("", "").rstrip("/") + "/"
