"""tidy: what a replica needs beside its releases, and what it needs no longer.

The press's memory is copied, without which nobody could publish from the replica: the records of
generations, the signers' certificates, what is remembered of packages that are gone. In whatever
order, for no host reads it.

And what the archive has deleted is deleted here. The archive's reaper has waited for the grace; but
the replica may have shown the release that named it for longer. So an object goes when neither the
archive has it nor the replica names it, for the grace and an hour: since when, is noted.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from debpress.archive import objects
from debpress.archive.ended import dists
from debpress.clock import from_iso, iso
from debpress.concurrency import side_by_side
from debpress.errors import CorruptError
from debpress.layout import FILES, STATE, Layout
from debpress.records.messages.mirror import Tidied
from debpress.records.mirror import Idle
from debpress.steps.deletion import Condemned, Deletion
from debpress.steps.replication import Mirror, named
from debpress.steps.services import Services
from debpress.store import Head, ObjectChanged

_MARGIN = timedelta(hours=1)

# The notes of runs under way, and the batches that wait, are of use to the archive alone: where its
# staging is gone, their packages are. And a replica has no pages, so it has none up to anywhere.
_LEFT_OUT = ("/queue/", "/runs/", Layout.page_state())


def run(mirror: Mirror) -> Tidied:
    """Copies the records, then deletes. Raises CorruptError, before anything is deleted, where the
    archive seems to have lost its pool."""
    copied = _copy_state(mirror) + _copy_file_lists(mirror)
    return Tidied(copied, len(_delete(mirror)))


def _copy_state(mirror: Mirror) -> int:
    # Suites that come and go are not followed; one that is published to from the replica begins
    # anew there.
    passing = [Layout.living()]
    passing += [f"{STATE}{e.life.prefix}" for e in mirror.source.repository.patterns if e.life]
    here = {head.key: head.etag for head in mirror.replica.store.list(STATE)}
    wanted = [
        head.key
        for head in mirror.source.store.list(STATE)
        if here.get(head.key) != head.etag
        and not any(part in head.key for part in _LEFT_OUT)
        and not head.key.startswith(tuple(passing))
    ]

    return _copy(mirror, wanted)


def _copy_file_lists(mirror: Mirror) -> int:
    """The lists of the files in packages that the replica has: whoever publishes from it makes
    Contents of them. (They are in the pool, so what deletes packages deletes them.)"""
    if not any(suite.contents for suite in mirror.source.repository.suites):
        return 0
    pool = mirror.source.repository.layout.pool("pool/")
    here = {head.key for head in mirror.replica.store.list(pool)}
    there = (head.key for head in mirror.source.store.list(pool))
    lists = (key for key in there if key.endswith(FILES) and key not in here)
    return _copy(mirror, [key for key in lists if key.removesuffix(FILES) in here])


def _copy(mirror: Mirror, keys: list[str]) -> int:
    def copy(key: str) -> bool:
        try:
            mirror.copier.copy(key)
        except ObjectChanged:
            return False
        return True

    return sum(side_by_side(copy, keys))


def _delete(mirror: Mirror) -> list[Head]:
    services, now = mirror.replica, mirror.replica.clock.now()
    # The replica is listed before the archive: what is copied in between is in neither list.
    held = list(_stored(services))
    kept = {head.key for head in _stored(mirror.source)}
    if held and not kept:
        raise CorruptError(
            "the archive has no packages and no indices any more; nothing is deleted from the "
            "replica. Restore the archive (docs/runbook.md#somebody-deleted-the-pool)"
        )
    for suite in services.repository.suites:
        state = services.archive.published(suite.suite)
        if state is not None:
            kept |= named(services, suite.suite, state.release)
    noted = objects.find(services.store, Idle, Layout.idle()) or Idle({})
    # A list of a package's files goes with its package.
    idle = [head for head in held if not {head.key, head.key.removesuffix(FILES)} & kept]
    since = {head.key: noted.since.get(head.key, iso(now)) for head in idle}
    cutoff = now - timedelta(hours=services.repository.grace_hours) - _MARGIN
    due = [head for head in idle if from_iso(since[head.key]) <= cutoff]
    deletion = Deletion(services, now, None)
    deleted = deletion.delete([], [Condemned(head, cutoff) for head in due]).gone
    _note(services, since, {head.key for head in due})
    return deleted


def _stored(services: Services) -> Iterator[Head]:
    """Packages, and what is named by its content in dists/: indices, and scripts of their diffs."""
    archive = services.archive
    yield from archive.list(archive.layout.pool("pool/"))
    listed = archive.list(dists(archive.layout))
    yield from (h for h in listed if "/by-hash/" in h.key or ".diff/" in h.key)


def _note(services: Services, since: dict[str, str], gone: set[str]) -> None:
    """A call beside this one may note the same; whichever is lost, an object stays longer."""
    objects.keep(
        services.store, Layout.idle(), Idle({k: v for k, v in since.items() if k not in gone})
    )
