"""What the press tells the account's event bus, as docs/events.md has it.

Each detail says which stored record it is about, and carries numbers and the first few packages:
whoever wants all of it reads the record. EventBridge takes 256 KB an event, and a batch may be
larger than that.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from debpress.codec import Record, optional, versioned
from debpress.records.batch import Problem

# The `source` of every event; the functions' policies allow no other.
SOURCE = "debpress"


class Kind(StrEnum):
    """The events' `detail-type`."""

    PUBLISHED = "published"
    REJECTED = "rejected"
    FAILED = "failed"
    PRUNED = "pruned"
    ROLLED_BACK = "rolled back"
    ROTATION_STEP = "key rotation step"


@dataclass(frozen=True, slots=True)
class StoredRecord(Record):
    """Exactly one version of a record in the bucket."""

    bucket: str
    key: str
    version_id: str | None


@dataclass(frozen=True, slots=True)
class Counts(Record):
    """How many packages a batch has, by what became of them."""

    added: int
    unchanged: int
    removed: int
    forgotten: int


@dataclass(frozen=True, slots=True)
class EventPackage(Record):
    package: str
    version: str
    architecture: str
    action: str


@versioned
@dataclass(frozen=True, slots=True)
class BatchEvent(Record):
    """Of `published`, `rejected`, `failed` and `rolled back`. `id` tells repeats apart from news.
    `operations` are those that were asked for, none of a batch of packages. `to` is the number of
    the generation that a rollback went back to. `summary` is one line for people."""

    id: str
    record: StoredRecord
    summary: str
    suite: str
    component: str
    batch: str
    status: str
    generation: int | None
    release_date: str | None
    operations: tuple[str, ...]
    counts: Counts
    packages: tuple[EventPackage, ...]
    error_count: int
    errors: tuple[Problem, ...]
    started_at: str
    finished_at: str
    execution: str
    to: int | None = optional()


@versioned
@dataclass(frozen=True, slots=True)
class PruneEvent(Record):
    """Of `pruned`. `left_over` are the versions that the share left for the next prune."""

    id: str
    record: StoredRecord
    summary: str
    suite: str
    generation: int
    release_date: str
    counts: Counts
    packages: tuple[EventPackage, ...]
    unnamed_bytes: int
    left_over: int


@dataclass(frozen=True, slots=True)
class EventKey(Record):
    """A signing key of a rotation."""

    uri: str
    fingerprint: str | None


@versioned
@dataclass(frozen=True, slots=True)
class RotationEvent(Record):
    """Of `key rotation step`: a step was begun, or (`done`) completed at the time `since`."""

    id: str
    record: StoredRecord
    summary: str
    step: str
    stage: str
    done: bool
    since: str | None
    old: EventKey | None
    new: EventKey | None


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it is put on the bus."""

    kind: Kind
    detail: BatchEvent | PruneEvent | RotationEvent
