"""reap: delete what no host can still be told of (laws 3 and 5).

An object goes when no suite names it, none has for longer than the grace, no batch waits with it in
a queue, and it is itself older than the grace. The race with a publish that names it again at that
moment is closed by versions: a publish that wants an object puts it anew (admit copies, merge
puts), and the reaper deletes exactly the version it looked at. The race with a rollback is closed
by time: it goes back no farther than the grace, and the reaper waits an hour longer than that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from debpress.archive.ended import EndedSnapshots, dists
from debpress.archive.named import Named
from debpress.errors import CorruptError
from debpress.layout import snapshotted
from debpress.steps.deletion import Deletion
from debpress.steps.services import Services
from debpress.suite.published import Published

_MARGIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Reaped:
    """What was deleted (or, in a dry run, would be): keys, in order, and their bytes together."""

    keys: tuple[str, ...]
    size: int


def run(services: Services, *, dry_run: bool = False) -> Reaped:
    """Deletes what is left over of every suite there is in the bucket, configured or not, and
    reports it by parts.

    Raises CorruptError, having deleted nothing, when it can't tell what is named.
    """
    store, layout, archive = services.store, services.repository.layout, services.archive
    # The list comes before what is named is read: what is put after it is not in it.
    pool = list(store.list(layout.pool("pool/")))
    listed = list(store.list(dists(layout)))
    now = services.clock.now()
    keys = (head.key.removeprefix(dists(layout)) for head in listed)
    names = {
        key.removesuffix("/InRelease"): Named(store, layout, key.removesuffix("/InRelease"))
        for key in keys
        if key.endswith("/InRelease")
    }
    # What waits is read before what is published: an entry leaves its queue when it is in.
    named = {key for each in names.values() for key in each.soon()}
    states = {path: archive.published(path) for path in names}
    cutoff = min([now, *(s.now for s in states.values() if s)]) - _MARGIN
    cutoff -= timedelta(hours=services.repository.grace_hours)
    snapshots = EndedSnapshots(store, layout, cutoff)
    snapshots.look(listed, set(names))
    named |= set(snapshots.named())
    for path, state in states.items():
        if state is None:
            raise CorruptError(f"the InRelease of {path} vanished while it was read; try again")
        named |= set(names[path].by_release(state.release))
        named |= set(names[path].lately(state, cutoff))
    ended = [path for path, state in states.items() if state and _is_over(path, state)]
    if not dry_run:
        ended = [path for path in ended if snapshots.end(path)]
    by_hash = [head for head in listed if "/by-hash/" in head.key]
    left = {head.key: head for head in (*pool, *by_hash, *snapshots.left())}
    old = [h for h in left.values() if h.key not in named and h.last_modified < cutoff]
    inreleases = {layout.inrelease(path) for path in ended}
    taken = [head for head in listed if head.key in inreleases]
    gone = [*taken, *old] if dry_run else Deletion(services, now, cutoff).delete(taken, old)
    return Reaped(tuple(sorted(head.key for head in gone)), sum(head.size for head in gone))


def _is_over(path: str, state: Published) -> bool:
    is_snapshot = snapshotted(path) is not None
    return is_snapshot and state.expires is not None and state.expires <= state.now
