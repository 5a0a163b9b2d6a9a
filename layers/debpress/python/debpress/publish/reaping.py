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

from debpress.clock import Clock
from debpress.config import Repository
from debpress.errors import CorruptError
from debpress.index import gz, release
from debpress.index.packages import sum_of
from debpress.index.release import Release
from debpress.layout import Layout
from debpress.publish import notes, published
from debpress.publish.published import Current, Generation
from debpress.store import Head, Store

_MARGIN = timedelta(hours=1)
_FILENAME = re.compile(rb"(?mi)^Filename:[ \t]*(.*?)[ \t]*$")


@dataclass(frozen=True, slots=True)
class Reaped:
    """What was deleted (or, in a dry run, would be): keys, in order, and their bytes together."""

    keys: tuple[str, ...]
    size: int


def reap(store: Store, repository: Repository, clock: Clock, *, dry_run: bool = False) -> Reaped:
    """Deletes what is left over of every suite there is in the bucket, configured or not.

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
    for suite, state in states.items():
        if state is None:
            raise CorruptError(f"the InRelease of {suite} vanished while it was read; try again")
        named |= set(_named_now(store, layout, suite, state))
        named |= set(_named_lately(store, layout, suite, state, cutoff))
    old = [
        head
        for head in (*pool, *(h for h in dists if "/by-hash/" in h.key))
        if head.key not in named and head.last_modified < cutoff
    ]
    gone = old if dry_run else [h for h in notes.side_by_side(_Deletion(store, cutoff), old) if h]
    return Reaped(tuple(sorted(h.key for h in gone)), sum(h.size for h in gone))


class _Deletion:
    """Deletes the version of an object that is there now, if that is an old one."""

    def __init__(self, store: Store, cutoff: datetime) -> None:
        self._store = store
        self._cutoff = cutoff

    def __call__(self, listed: Head) -> Head | None:
        head = self._store.head(listed.key)
        if head is None or head.last_modified >= self._cutoff:
            return None  # Put anew since it was listed: somebody is about to name it.
        self._store.delete(head.key, head.version_id)
        return head


def _suite(layout: Layout, inrelease: str) -> str:
    return inrelease.removeprefix(layout.dist("", "").rstrip("/") + "/").removesuffix("/InRelease")


def _named_now(store: Store, layout: Layout, suite: str, state: Current) -> Iterator[str]:
    yield from _indices(layout, suite, state.release)
    for name, listed in state.release.files.items():
        if not name.endswith("/Packages.gz"):
            continue
        key = layout.by_hash(suite, name, listed.sha256)
        found = store.get(key)
        if found is None or sum_of(found.body) != listed:
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
