"""The status of a suite: its published release, its waiting batches, its recent failures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, TypeVar

from debpress import codec
from debpress import layout as keys
from debpress.archive import Archive
from debpress.clock import iso
from debpress.codec import Record
from debpress.concurrency import side_by_side
from debpress.errors import CorruptError, StoreError
from debpress.inspection import reading, snapshots
from debpress.inspection.history import HistoryEntry, history
from debpress.inspection.snapshots import Kept
from debpress.layout import RESULTS, STAGING, Batch, Layout
from debpress.records.batch import ManifestRef, QueueEntry
from debpress.records.generation import number
from debpress.records.result import Result
from debpress.store import Head

# How many of the newest results are read to find those that were rejected or failed.
_RESULTS_READ = 50
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Waiting:
    """A batch without a result. A `queued` batch is validated and waits for a merge. Of an
    `uploaded` one only the manifest is there: it is being validated, or its execution has died."""

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
    """`date` is the Release's Date, `modified` when InRelease was put, `age` the seconds since
    then. After `valid_until` hosts refuse the release; None: never.
    `unseen` are sentences on what could not be read, and why."""

    suite: str
    generation: int
    date: str
    valid_until: str | None
    modified: str
    age: int
    waiting: tuple[Waiting, ...]
    generations: tuple[HistoryEntry, ...]
    troubles: tuple[Trouble, ...]
    unseen: tuple[str, ...]
    snapshots: tuple[Kept, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def status(archive: Archive, suite: str) -> Status:
    """The status of a suite now. Raises ConfigError when the suite publishes nothing."""
    inrelease, published = reading.published(archive, suite)
    until = published.release.valid_until
    unseen: list[str] = []
    queued = _listed(archive, Layout.queue(suite), unseen)
    staged = _listed(archive, f"{STAGING}{suite}/", unseen)
    results = _listed(archive, f"{RESULTS}{suite}/", unseen)
    kept = _listed(archive, snapshots.prefix(archive.layout), unseen)
    return Status(
        suite=suite,
        generation=number(published.generation),
        date=iso(published.release.date),
        valid_until=iso(until) if until else None,
        modified=iso(published.last_modified),
        age=_seconds(inrelease.head, inrelease.head),
        waiting=tuple(_waiting(archive, queued, staged, results)),
        generations=tuple(islice(history(archive, suite), _SHOWN)),
        troubles=tuple(_troubles(archive, results)),
        unseen=tuple(unseen),
        snapshots=tuple(snapshots.of(archive, suite, kept)),
    )


def _listed(archive: Archive, prefix: str, unseen: list[str]) -> list[Head]:
    try:
        return list(archive.list(prefix))
    except StoreError as error:
        unseen.append(f"{prefix} may not be listed: {error}")
        return []


def _seconds(since: Head, now: Head) -> int:
    at = now.served_at or now.last_modified
    return max(0, int((at - since.last_modified).total_seconds()))


def _waiting(
    archive: Archive, queued: list[Head], staged: list[Head], results: list[Head]
) -> Iterable[Waiting]:
    manifests = set()
    for head, entry in zip(queued, _read(archive, QueueEntry, queued), strict=True):
        if entry is not None:  # None: it was published, and deleted, since it was listed.
            manifests.add(entry.plan.manifest.key)
            name = entry.plan.batch.staging.removeprefix(STAGING).rstrip("/")
            yield Waiting("queued", name, iso(head.last_modified), _seconds(head, head))
    answers = {head.key: head for head in results}
    for head in staged:
        place = keys.parse_staged(head.key)
        if place is None or not keys.is_manifest(place[1]) or head.key in manifests:
            continue
        if not _answered(archive, head, place[0], answers.get(place[0].result)):
            name = place[0].staging.removeprefix(STAGING).rstrip("/")
            yield Waiting("uploaded", name, iso(head.last_modified), _seconds(head, head))


def _answered(archive: Archive, manifest: Head, batch: Batch, result: Head | None) -> bool:
    """Whether a manifest has its result. A result that is newer than the manifest is of it, as a
    result is written only for the manifest that is current then."""
    if result is None:
        return False
    if result.last_modified > manifest.last_modified:
        return True
    said = archive.results.find(batch)
    if said is None:
        return False
    try:
        now = archive.head(manifest.key)
    except StoreError:  # An operator's role may list what is staged, and not look at it.
        return said.manifest.etag == manifest.etag
    if now is None:
        return True
    return said.manifest == ManifestRef(now.key, now.etag, now.version_id)


def _troubles(archive: Archive, results: list[Head]) -> Iterable[Trouble]:
    newest = sorted(results, key=lambda head: head.last_modified, reverse=True)[:_RESULTS_READ]
    told = (each for each in _read(archive, Result, newest) if each and each.status in _TROUBLES)
    for result in islice(told, _SHOWN):
        name = f"{result.batch.suite}/{result.batch.component}/{result.batch.id}"
        errors = tuple(codec.encode(each) for each in result.errors)
        yield Trouble(name, result.status, result.finished_at, errors)


_TROUBLES = ("rejected", "failed")
_R = TypeVar("_R", bound=Record)


def _read(archive: Archive, kind: type[_R], heads: list[Head]) -> Sequence[_R | None]:
    """The record in each object; None where the object is gone or can't be read as one."""

    def read(head: Head) -> _R | None:
        found = archive.read(head.key)
        try:
            return None if found is None else codec.load(kind, found.body, head.key)
        except CorruptError:
            return None

    return side_by_side(read, heads)
