"""What a stored record means to those who listen on the event bus. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from debpress.codec import Record, encode
from debpress.records.events import (
    BatchEvent,
    Counts,
    Event,
    EventKey,
    EventPackage,
    Kind,
    PruneEvent,
    RotationEvent,
    StoredRecord,
)
from debpress.records.generation import PackageRef
from debpress.records.result import PruneReport, Result
from debpress.records.rotation import Party, Rotation

# An event carries the first few packages and errors, in at most so many bytes each: with the rest
# of it, an event stays far below the 256 KB that EventBridge and SNS take.
FEW = 10
ROOM = 32_768
LINE = 500

_Item = TypeVar("_Item", bound=Record)


def of_result(
    source: StoredRecord, result: Result, operations: Sequence[Mapping[str, Any]]
) -> list[Event]:
    """`operations` are those that the batch asked for, none of a batch of packages."""
    kind = Kind(result.status)
    batch, counts = result.batch, _counts([p.action for p in result.packages])
    detail = BatchEvent(
        id=_id(kind, source),
        record=source,
        summary=_of_batch(result, counts),
        suite=batch.suite,
        component=batch.component,
        batch=batch.id,
        status=result.status,
        generation=result.generation,
        release_date=result.release_date,
        operations=tuple(str(each.get("op")) for each in operations)[:FEW],
        counts=counts,
        packages=_few([_package(p, p.action) for p in result.packages]),
        error_count=len(result.errors),
        errors=_few([replace(each, message=each.message[:LINE]) for each in result.errors]),
        started_at=result.started_at,
        finished_at=result.finished_at,
        execution=result.execution,
    )
    events = [Event(kind, detail)]
    back = [each.get("to") for each in operations if each.get("op") == "rollback"]
    if back and kind is Kind.PUBLISHED:
        to = back[-1]
        summary = _line(f"{batch.suite} is rolled back to release {to}, as {result.generation}")
        found = replace(detail, id=_id(Kind.ROLLED_BACK, source), summary=summary, to=to)
        events.append(Event(Kind.ROLLED_BACK, found))
    return events


def of_prune(source: StoredRecord, report: PruneReport) -> list[Event]:
    counts = _counts(["removed"] * len(report.removed))
    left = report.left_over or 0
    rest = f", and left {left} for the next one" if left else ""
    detail = PruneEvent(
        id=_id(Kind.PRUNED, source),
        record=source,
        summary=_line(f"{report.suite}: a prune took out {counts.removed} versions{rest}"),
        suite=report.suite,
        generation=report.generation,
        release_date=report.date,
        counts=counts,
        packages=_few([_package(p, "removed") for p in report.removed]),
        unnamed_bytes=report.unnamed_bytes,
        left_over=left,
    )
    return [Event(Kind.PRUNED, detail)]


def of_rotation(source: StoredRecord, record: Rotation) -> list[Event]:
    state = "is done" if record.done else "has begun"
    detail = RotationEvent(
        id=_id(Kind.ROTATION_STEP, source),
        record=source,
        summary=_line(f"signing key: the step {record.step} {state}"),
        step=record.step,
        stage=str(record.stage),
        done=record.done,
        since=record.since,
        old=_key(record.old),
        new=_key(record.new),
    )
    return [Event(Kind.ROTATION_STEP, detail)]


def _of_batch(result: Result, counts: Counts) -> str:
    place = f"{result.batch.suite}/{result.batch.component} {result.batch.id}"
    if result.status != "published":
        first = result.errors[0] if result.errors else None
        more = f" (and {len(result.errors) - 1} more errors)" if len(result.errors) > 1 else ""
        why = f": {first.file}: {first.code}: {first.message[:LINE]}{more}" if first else ""
        return _line(f"{place} is {result.status}{why}")
    changes = [f"{n} {action}" for action, n in encode(counts).items() if n]
    news = [p for p in result.packages if p.action != "unchanged"]
    names = ", ".join(f"{p.package} {p.version} {p.architecture}" for p in news[:3])
    more = f" and {len(news) - 3} more" if len(news) > 3 else ""
    what = f": {names}{more}" if news else ""
    told = ", ".join(changes) or "nothing changed"
    return _line(f"{place} is published in release {result.generation} ({told}){what}")


def _id(kind: Kind, source: StoredRecord) -> str:
    """The same for every repeat of an event, and for nothing else: what tells news apart is the
    version of the record."""
    return f"{kind}:{source.key}@{source.version_id}"


def _counts(actions: Sequence[str]) -> Counts:
    found = Counter(actions)
    return Counts(found["added"], found["unchanged"], found["removed"], found["forgotten"])


def _package(package: PackageRef, action: str) -> EventPackage:
    return EventPackage(package.package, package.version, package.architecture, action)


def _key(party: Party | None) -> EventKey | None:
    return EventKey(party.uri, party.fingerprint) if party else None


def _few(items: Sequence[_Item]) -> tuple[_Item, ...]:
    """The first items, as many as there is room for."""
    taken: list[_Item] = []
    room = ROOM
    for item in items[:FEW]:
        room -= len(json.dumps(encode(item)))
        if room < 0:
            break
        taken.append(item)
    return tuple(taken)


def _line(text: str) -> str:
    """One line for people that an input transformer can put between quotes, in a message of SNS or
    elsewhere, without escaping anything."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain.replace('"', "'").replace("\\", "/")[:LINE]
