"""What a suite is about now: what is published, what waits and since when, what went wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from debpress import layout as keys
from debpress.clock import iso
from debpress.errors import StoreError
from debpress.inspection import reading, snapshots
from debpress.inspection.history import Flip, history
from debpress.inspection.snapshots import Kept
from debpress.layout import RESULTS, STAGING, Batch, Layout
from debpress.publish import notes
from debpress.publish.notes import Queued
from debpress.publish.published import GENERATION, number
from debpress.store import Head, Store

# So many of the newest results are read in search of those that tell of trouble.
_RESULTS_READ = 50
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Waiting:
    """A batch without its result. `queued` ones are validated and wait for a merge; of `uploaded`
    ones there is only the manifest: they are being validated, or their execution died."""

    stage: str
    batch: str
    since: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """A result that says `rejected` or `failed`."""

    batch: str
    status: str
    finished_at: str
    errors: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Status:
    """`date` is Release's own, `modified` when InRelease was put, `age` seconds since then. After
    `valid_until` hosts refuse it; None: never.
    `unseen` says what could not be looked at, and why."""

    suite: str
    generation: int
    date: str
    valid_until: str | None
    modified: str
    age: int
    waiting: tuple[Waiting, ...]
    generations: tuple[Flip, ...]
    troubles: tuple[Trouble, ...]
    unseen: tuple[str, ...]
    snapshots: tuple[Kept, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def status(store: Store, layout: Layout, suite: str) -> Status:
    """Raises ConfigError when the suite publishes nothing."""
    published = reading.suite(store, layout, suite)
    head = published.inrelease.head
    until = published.release.valid_until
    unseen: list[str] = []
    queued = _listed(store, Layout.queue(suite), unseen)
    staged = _listed(store, f"{STAGING}{suite}/", unseen)
    results = _listed(store, f"{RESULTS}{suite}/", unseen)
    kept = _listed(store, snapshots.prefix(layout), unseen)
    return Status(
        suite=suite,
        generation=number(head.metadata.get(GENERATION)),
        date=iso(published.release.date),
        valid_until=iso(until) if until else None,
        modified=iso(head.last_modified),
        age=_seconds(head, head),
        waiting=tuple(_waiting(store, queued, staged, results)),
        generations=tuple(islice(history(store, layout, suite), _SHOWN)),
        troubles=tuple(_troubles(store, results)),
        unseen=tuple(unseen),
        snapshots=tuple(snapshots.of(store, layout, suite, kept)),
    )


def _listed(store: Store, prefix: str, unseen: list[str]) -> list[Head]:
    try:
        return list(store.list(prefix))
    except StoreError as error:
        unseen.append(f"{prefix} may not be listed: {error}")
        return []


def _seconds(since: Head, now: Head) -> int:
    at = now.served_at or now.last_modified
    return max(0, int((at - since.last_modified).total_seconds()))


def _waiting(
    store: Store, queued: list[Head], staged: list[Head], results: list[Head]
) -> Iterable[Waiting]:
    manifests = set()
    for head, data in zip(queued, _read(store, queued), strict=True):
        if data is not None:  # else finished since it was listed
            plan = Queued.from_json(data).plan
            manifests.add(plan.manifest.key)
            name = plan.batch.staging.removeprefix(STAGING).rstrip("/")
            yield Waiting("queued", name, iso(head.last_modified), _seconds(head, head))
    answers = {head.key: head for head in results}
    for head in staged:
        place = keys.parse_staged(head.key)
        if place is None or not keys.is_manifest(place[1]) or head.key in manifests:
            continue
        if not _answered(store, head, place[0], answers.get(place[0].result)):
            name = place[0].staging.removeprefix(STAGING).rstrip("/")
            yield Waiting("uploaded", name, iso(head.last_modified), _seconds(head, head))


def _answered(store: Store, manifest: Head, batch: Batch, result: Head | None) -> bool:
    """A result is written only for the manifest that is there, so a newer one answers it."""
    if result is None:
        return False
    if result.last_modified > manifest.last_modified:
        return True
    data = notes.load(store, batch.result) or {}
    now = store.head(manifest.key)
    said = data.get("manifest", {})
    return now is None or (said.get("etag"), said.get("version_id")) == (now.etag, now.version_id)


def _troubles(store: Store, results: list[Head]) -> Iterable[Trouble]:
    newest = sorted(results, key=lambda head: head.last_modified, reverse=True)[:_RESULTS_READ]
    found = 0
    for data in _read(store, newest):
        if data is None or data.get("status") not in ("rejected", "failed"):
            continue
        batch = data["batch"]
        name = f"{batch['suite']}/{batch['component']}/{batch['id']}"
        yield Trouble(name, data["status"], data["finished_at"], tuple(data["errors"]))
        found += 1
        if found == _SHOWN:
            return


def _read(store: Store, heads: list[Head]) -> list[Any]:
    """The JSON of each, None where it is gone or is none."""

    def read(head: Head) -> Any:
        found = store.get(head.key)
        try:
            return None if found is None else json.loads(found.body)
        except ValueError:
            return None

    return notes.side_by_side(read, heads)
