"""announce: what a stored record says is told on the account's event bus, and measured.

S3 itself calls this, by the event of the record's being put. So nothing of it is on a publish's
way: whatever fails here, the result is there, and the event comes again. A record is what is told,
hence nothing is told that did not happen; and it is told at least once, since S3 delivers the event
of a put at least once, EventBridge tries for a day to call the function, and a call that fails for
good is kept in a queue (docs/events.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any, Protocol

from debpress.archive import objects
from debpress.archive.suite import SuiteArchive
from debpress.layout import Patterns
from debpress.metrics import PATIENCE
from debpress.records.events import Event, StoredRecord
from debpress.records.generation import number
from debpress.records.result import PruneReport, Result
from debpress.records.rotation import Rotation
from debpress.steps.services import Services
from debpress.store import Object
from debpress.suite import events as rules
from debpress.suite.runs import run_name

# Flips between the one that is told and the one that is published: of a result that is told days
# later, the history may be long, and nobody needs its latency any more.
_MOST_FLIPS = 50


class Bus(Protocol):
    def send(self, events: Sequence[Event]) -> None:
        """Puts all events on the bus. Raises TransientError or StoreError where it took not all of
        them: then some may be sent, and all are to be sent again."""


@dataclass(frozen=True, slots=True)
class Written:
    """The put of a record, as S3 tells of it."""

    bucket: str
    key: str
    version_id: str | None

    @classmethod
    def of_event(cls, event: Mapping[str, Any]) -> Written:
        """From EventBridge's `Object Created` (S3 user guide, "EventBridge event message")."""
        found = event["detail"]["object"]
        return cls(event["detail"]["bucket"]["name"], found["key"], found.get("version-id"))


def run(services: Services, bus: Bus, written: Written) -> list[Event]:
    """Tells what the record says, and returns that; nothing for any other object, or where that
    version of it is gone. Raises what `bus` raises, and CorruptError."""
    tell = next((tell for pattern, tell in _KINDS if fnmatchcase(written.key, pattern)), None)
    found = services.store.get(written.key, written.version_id) if tell else None
    if tell is None or found is None:
        return []
    source = StoredRecord(written.bucket, written.key, found.head.version_id)
    return tell(services, bus, source, found)


def _result(services: Services, bus: Bus, source: StoredRecord, found: Object) -> list[Event]:
    result = objects.read(Result, found)
    suite = result.batch.suite
    # The plan says which operations were asked for, of whichever version the result's writer is.
    plan = services.archive.runs(suite).find_plan(run_name(result.batch, result.manifest))
    events = rules.of_result(source, result, plan.operations if plan else ())
    bus.send(events)
    services.measure(suite, **{f"Batches{result.status.capitalize()}": 1})
    seconds = _seconds_to_visible(services, result)
    if seconds is not None:
        services.measure(suite, SecondsToVisible=seconds)
        if seconds >= PATIENCE:
            # It waits no more; the alarm is told all the same that somebody waited so long.
            services.measure(suite, SecondsWaiting=seconds)
    return events


def _prune(services: Services, bus: Bus, source: StoredRecord, found: Object) -> list[Event]:
    events = rules.of_prune(source, objects.read(PruneReport, found))
    bus.send(events)
    return events


def _rotation(services: Services, bus: Bus, source: StoredRecord, found: Object) -> list[Event]:
    events = rules.of_rotation(source, objects.read(Rotation, found))
    bus.send(events)
    return events


_Tell = Callable[[Services, Bus, StoredRecord, Object], list[Event]]

_KINDS: tuple[tuple[str, _Tell], ...] = (
    (Patterns.results(), _result),
    (Patterns.prune_reports, _prune),
    (Patterns.rotation, _rotation),
)

# Keys that S3's events are wanted of, as EventBridge's wildcards.
TOLD = tuple(pattern for pattern, _ in _KINDS)


def _seconds_to_visible(services: Services, result: Result) -> float | None:
    """From the put of the manifest to that of the InRelease that has the batch in it, both by S3's
    clock, in whole seconds. None where nothing waited: the batch was not published, or was in
    before. And where the manifest is gone, or the flip long ago."""
    if result.generation is None:
        return None
    manifest = services.store.get(result.manifest.key, result.manifest.version_id)
    flipped = _flipped(services.archive.suite(result.batch.suite), result.generation)
    if manifest is None or flipped is None or flipped < manifest.head.last_modified:
        return None
    return (flipped - manifest.head.last_modified).total_seconds()


def _flipped(suite: SuiteArchive, generation: int) -> datetime | None:
    """When the generation of this number became visible: InRelease's Last-Modified, which the
    record of the next generation knows of its parent."""
    state = suite.published()
    if state is None:
        return None
    if number(state.generation) == generation:
        return state.last_modified
    for record in islice(suite.chain(state.generation, None), _MOST_FLIPS):
        if record.parent and number(record.parent.generation) == generation:
            return record.parent.modified
    return None
