"""reap: delete what no host can still be told of (laws 3 and 5).

An object goes when no suite names it, none has for longer than the grace, no batch waits with it in
a queue, and it is itself older than the grace. The race with a publish that names it again at that
moment is closed by versions: a publish that wants an object puts it anew (admit copies, merge
puts), and the reaper deletes exactly the version it looked at. The race with a rollback is closed
by time: it goes back no farther than the grace, and the reaper waits an hour longer than that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from debpress import openpgp
from debpress.clock import Clock
from debpress.config import Repository
from debpress.errors import CorruptError
from debpress.index import gz, release
from debpress.index.packages import checksum_of
from debpress.index.release import Release
from debpress.layout import SNAPSHOTS, STATE, Layout, snapshotted
from debpress.metrics import Measure, unmeasured
from debpress.publish import notes, published, reports
from debpress.publish.published import Current, Generation
from debpress.store import Head, Store

_MARGIN = timedelta(hours=1)
# Deletions between two reports: some seconds' work.
_PART = 1000
_FILENAME = re.compile(rb"(?mi)^Filename:[ \t]*(.*?)[ \t]*$")


@dataclass(frozen=True, slots=True)
class Reaped:
    """What was deleted (or, in a dry run, would be): keys, in order, and their bytes together."""

    keys: tuple[str, ...]
    size: int


def reap(
    store: Store,
    repository: Repository,
    clock: Clock,
    *,
    dry_run: bool = False,
    measure: Measure = unmeasured,
) -> Reaped:
    """Deletes what is left over of every suite there is in the bucket, configured or not, and
    reports it by parts.

    Raises CorruptError, having deleted nothing, when it can't tell what is named.
    """
    layout = repository.layout
    # The list comes before what is named is read: what is put after it is not in it.
    pool = list(store.list(layout.pool("pool/")))
    dists = list(store.list(layout.dist("", "").rstrip("/") + "/"))
    now = clock.now()
    suites = [_suite(layout, h.key) for h in dists if h.key.endswith("/InRelease")]
    # What waits is read before what is published: an entry leaves its queue when it is in.
    named = {key for suite in suites for key in _about_to_be_named(store, layout, suite)}
    states = {s: published.current(store, layout, s, now) for s in suites}
    cutoff = min([now, *(s.now for s in states.values() if s)]) - _MARGIN
    cutoff -= timedelta(hours=repository.grace_hours)
    snapshots = _Snapshots(store, layout, dists, set(suites), cutoff)
    named |= set(snapshots.named())
    for suite, state in states.items():
        if state is None:
            raise CorruptError(f"the InRelease of {suite} vanished while it was read; try again")
        named |= set(_named_now(store, layout, suite, state))
        named |= set(_named_lately(store, layout, suite, state, cutoff))
    ended = [s for s, state in states.items() if state and _is_over(s, state)]
    if not dry_run:
        ended = [s for s in ended if snapshots.end(s)]
    by_hash = [h for h in dists if "/by-hash/" in h.key]
    left = {head.key: head for head in (*pool, *by_hash, *snapshots.left())}
    old = [h for h in left.values() if h.key not in named and h.last_modified < cutoff]
    inreleases = {layout.inrelease(suite) for suite in ended}
    taken = [head for head in dists if head.key in inreleases]
    gone = [*taken, *old] if dry_run else _delete(store, cutoff, taken, old, now, measure)
    return Reaped(tuple(sorted(h.key for h in gone)), sum(h.size for h in gone))


def _is_over(suite: str, state: Current) -> bool:
    is_snapshot = snapshotted(suite) is not None
    return is_snapshot and state.expires is not None and state.expires <= state.now


class _Snapshots:
    """Snapshots that hosts can't find (any more): in the making, ended, or never finished.
    `listed` is what there is below dists/, `alive` the paths that have an InRelease."""

    def __init__(
        self, store: Store, layout: Layout, listed: list[Head], alive: set[str], cutoff: datetime
    ) -> None:
        self._store = store
        self._layout = layout
        self._state = list(store.list(f"{STATE}{SNAPSHOTS}/"))
        self._kept: dict[str, Release] = {}
        self._left: list[Head] = []
        ends = {head.key: head for head in self._state}
        found = [(_path(layout.dist("", "").rstrip("/"), h.key), h) for h in listed]
        found += [(_path(STATE.rstrip("/"), h.key), h) for h in self._state]
        for path, head in found:
            if path is None or path in alive or path in self._kept:
                continue
            note = ends.get(Layout.ended(path))
            if note is not None and note.last_modified >= cutoff:
                text = notes.require(store, note.key)["release"]
                self._kept[path] = release.parse(text.encode("utf-8", "surrogateescape"))
            else:
                self._left.append(head)

    def named(self) -> Iterator[str]:
        """What ended so lately that hosts may still ask for what it named."""
        for path, listed in self._kept.items():
            yield from _named_by(self._store, self._layout, path, listed)

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
        note = {"version": 1, "release": text.decode("utf-8", "surrogateescape")}
        self._store.put(Layout.ended(path), notes.dump(note), notes.JSON)
        self._store.delete(found.head.key, found.head.version_id)
        # Where apt is told 404, it would go on with these.
        for key in (self._layout.release_gpg(path), self._layout.release(path)):
            if (head := self._store.head(key)) is not None:
                self._store.delete(key, head.version_id)
        return True


def _path(folder: str, key: str) -> str | None:
    """The snapshot that a key below `folder` is of."""
    path = "/".join(key.removeprefix(f"{folder}/").split("/")[:3])
    return path if snapshotted(path) else None


def _delete(
    store: Store,
    cutoff: datetime,
    taken: list[Head],
    old: list[Head],
    now: datetime,
    measure: Measure,
) -> list[Head]:
    """Deletes by parts, each reported when it is done, also when it went wrong half way: should
    this die, no more than the part it was at is untold. `taken` are gone already: the first part.
    """
    gone = [*taken]
    reports.save_reaped(store, now, 0, taken, measure)
    for part, start in enumerate(range(0, len(old), _PART), start=1):
        deletion = _Deletion(store, cutoff)
        try:
            notes.side_by_side(deletion, old[start : start + _PART])
        finally:
            gone += deletion.done
            reports.save_reaped(store, now, part, deletion.done, measure)
    return gone


class _Deletion:
    """Deletes the version of an object that is there now, if that is an old one. `done` are those
    it deleted."""

    def __init__(self, store: Store, cutoff: datetime) -> None:
        self._store = store
        self._cutoff = cutoff
        self.done: list[Head] = []

    def __call__(self, listed: Head) -> None:
        head = self._store.head(listed.key)
        if head is None or head.last_modified >= self._cutoff:
            return  # Put anew since it was listed: somebody is about to name it.
        self._store.delete(head.key, head.version_id)
        self.done.append(head)


def _suite(layout: Layout, inrelease: str) -> str:
    return inrelease.removeprefix(layout.dist("", "").rstrip("/") + "/").removesuffix("/InRelease")


def _named_now(store: Store, layout: Layout, suite: str, state: Current) -> Iterator[str]:
    return _named_by(store, layout, suite, state.release)


def _named_by(store: Store, layout: Layout, suite: str, text: Release) -> Iterator[str]:
    yield from _indices(layout, suite, text)
    for name, listed in text.files.items():
        if not name.endswith("/Packages.gz"):
            continue
        key = layout.by_hash(suite, name, listed.sha256)
        found = store.get(key)
        if found is None or checksum_of(found.body) != listed:
            raise CorruptError(f"{key} is not what Release lists; nothing was reaped")
        for filename in _FILENAME.findall(gz.inflate(found.body)):
            yield layout.pool(filename.decode("utf-8", "surrogateescape"))


def _named_lately(
    store: Store, layout: Layout, suite: str, state: Current, cutoff: datetime
) -> Iterator[str]:
    """What was served at some time since `cutoff`, from the records of the flips since then."""
    superseded = state.last_modified  # That flip ended the service of the generation before.
    record: Generation | None = None
    while superseded >= cutoff:
        record = record or _record(store, suite, state.generation)
        for packages in (record.removed or {}).values():
            yield from (layout.pool(p["filename"]) for p in packages)
        if record.parent is None:
            return
        superseded = record.parent.modified
        record = _record(store, suite, record.parent.generation)
        text = record.release.encode("utf-8", "surrogateescape")
        yield from _indices(layout, suite, release.parse(text))


def _about_to_be_named(store: Store, layout: Layout, suite: str) -> Iterator[str]:
    """What a validated batch waits with. Its own execution may be dead; whoever publishes next,
    after however many days, takes it along, and could not without its packages. A batch that is
    queued only after this look has been admitted, and put what was old anew, just before."""
    for head in store.list(Layout.queue(suite)):
        entry = notes.load(store, head.key)  # It may be finished, and gone, since it was listed.
        for package in entry["packages"] if entry else ():
            yield layout.pool(package["filename"])


def _record(store: Store, suite: str, generation: str | None) -> Generation:
    data = notes.load(store, Layout.generation(suite, generation)) if generation else None
    if data is None:
        raise CorruptError(
            f"{suite}: there is no record of generation {generation}, which was served within the "
            "grace, so nobody can say what it named; nothing was reaped. Restore the record, or "
            "wait until the grace is over"
        )
    return Generation.from_json(data)


def _indices(layout: Layout, suite: str, listed: Release) -> Iterable[str]:
    return (layout.by_hash(suite, name, each.sha256) for name, each in listed.files.items())
