"""reap: delete the objects that no host can still ask for (laws 3 and 5).

An object is deleted when no suite names it, none has named it for longer than the grace, no batch
in a queue has it, and the object itself is older than the grace. Two races remain. A publish may
name the object again at that moment: it puts the object anew (admit copies, merge puts), and the
reaper deletes only the version that it has looked at. A rollback may name it again: a rollback goes
back by the grace at most, and the reaper waits an hour longer than the grace.

The function is called every hour, so that an object is deleted two hours after its grace at the
latest. The packages of published batches are deleted from staging as well: kept for days, they
would be most of what the bucket holds. So are the copies by which admission had S3 sum a package.
And the reaper ends what has an end: a snapshot, or a suite of a pattern.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from debpress.archive.ended import EndedPaths, dists, over
from debpress.archive.named import Named, is_deletable
from debpress.archive.staged import REPEATED, StagedFiles
from debpress.archive.waiting import WaitingPaths
from debpress.errors import CorruptError, DebpressError
from debpress.layout import FILES, Layout
from debpress.steps.deletion import Condemned, Deleted, Deletion
from debpress.steps.services import Services
from debpress.steps.settling import settle
from debpress.store import Head

_MARGIN = timedelta(hours=1)
# What admission copies it reads within the fifteen minutes that a function has; whoever tries again
# copies again.
_ADMITTING = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Reaped:
    """The objects that were deleted, or in a dry run would be: sorted keys, and their total size in
    bytes. `left` is how many there was no time for."""

    keys: tuple[str, ...]
    size: int
    left: int = 0


@dataclass(frozen=True, slots=True)
class _Found:
    """What a look at the bucket found: what is to end, by its path with its InRelease's ETag, what
    else has an end, and what is to go."""

    listed: list[Head]
    ended: EndedPaths
    over: dict[str, str]
    alive: set[str]
    condemned: list[Condemned]


def run(services: Services, *, dry_run: bool = False, until: datetime | None = None) -> Reaped:
    """Deletes un-named objects of every suite in the bucket, configured or not, and writes reports.

    From `until` on it deletes no more; the next call finds what is left. Raises CorruptError,
    before anything is deleted, when it can't find out what is named, and DebpressError when it had
    time to look and none to delete: then the next call would not get farther.
    """
    started = services.clock.now()
    found = _look(services, started)
    ended = {path for path, etag in found.over.items() if dry_run or found.ended.end(path, etag)}
    inreleases = {services.repository.layout.inrelease(path) for path in ended}
    taken = [head for head in found.listed if head.key in inreleases]
    if dry_run:
        deleted = Deleted([*taken, *(each.head for each in found.condemned)], left=0)
    else:
        deleted = Deletion(services, started, until).delete(taken, found.condemned)
        settle(services, found.ended.prefixes, found.alive - ended, started)
        _tell(services, deleted)
    keys = tuple(sorted(head.key for head in deleted.gone))
    return Reaped(keys, sum(head.size for head in deleted.gone), deleted.left)


def _tell(services: Services, deleted: Deleted) -> None:
    if deleted.left and not deleted.gone:
        raise DebpressError(
            f"to look at the bucket took all of the function's time, and none of {deleted.left} "
            "objects was deleted; give the function more memory, hence a faster network"
        )
    services.measure(None, ObjectsLeftOver=deleted.left)


def _look(services: Services, now: datetime) -> _Found:
    store, layout, archive = services.store, services.repository.layout, services.archive
    # Objects are listed before it is read what is named. So an object that a publish puts meanwhile
    # is not in the list, and can't be deleted for not being named yet.
    pool = list(store.list(layout.pool("pool/")))
    waiting = WaitingPaths(store, services.repository, now)
    listed = list(store.list(dists(layout)))
    released = (h.key.removeprefix(dists(layout)) for h in listed if h.key.endswith("/InRelease"))
    paths = [key.removesuffix("/InRelease") for key in released]
    names = {path: Named(store, layout, path) for path in paths}
    # The queues are read before the releases: an entry is deleted once its batch is published, so
    # the other way round the packages of a batch could be missed in both.
    named = waiting.named | {key for each in names.values() for key in each.soon()}
    states = {path: archive.published(path) for path in names}
    earliest = min([now, *(s.now for s in states.values() if s)])
    cutoff = earliest - timedelta(hours=services.repository.grace_hours) - _MARGIN
    ended = EndedPaths(store, services.repository, cutoff)
    ended.look(listed, set(names), waiting.paths)
    named |= set(ended.named())
    for path, state in states.items():
        if state is None:
            raise CorruptError(f"the InRelease of {path} vanished while it was read; try again")
        named.update(names[path].by_release(state.release), names[path].lately(state, cutoff))
    there = {path: state for path, state in states.items() if state}
    indices = [h for h in listed if is_deletable(h.key)]
    left = {head.key: head for head in (*pool, *indices, *ended.left())}
    # The list of a package's files lives as long as the package that it is beside.
    unnamed = (h for h in left.values() if h.key.removesuffix(FILES) not in named)
    old = [h for h in unnamed if h.last_modified < cutoff]
    staged = StagedFiles(store, earliest - REPEATED).left()
    condemned = [Condemned(head, cutoff, head.key in ended.hidden) for head in old]
    condemned += [Condemned(head, earliest - REPEATED) for head in staged]
    summed = [h for h in store.list(Layout.incoming()) if h.last_modified < earliest - _ADMITTING]
    condemned += [Condemned(head, earliest - _ADMITTING) for head in summed]
    alive = {path for path, state in there.items() if state.expires}
    return _Found(listed, ended, over(services.repository, there), alive, condemned)
