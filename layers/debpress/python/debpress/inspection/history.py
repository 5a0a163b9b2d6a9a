"""How a suite came to be what it is: its generations, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from debpress.archive import Archive
from debpress.archive.headers import GENERATION
from debpress.layout import Layout
from debpress.records.generation import Generation, PackageRef
from debpress.records.gone import FORGOTTEN


@dataclass(frozen=True, slots=True)
class Change:
    """A package that came (`added`) or went (`removed`) in a generation; or that an operator had
    `forgotten` by it, of whichever component, so of none."""

    action: str
    component: str
    package: str
    version: str
    architecture: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One generation. `batches` are whose it was: suite, component and batch, as uploaded, and
    `uploaders` who published each, None where no uploaders were configured.
    `report` is the key of what a prune says of itself, for as long as that is kept."""

    number: int
    id: str
    date: str
    cause: str
    batches: tuple[str, ...]
    executions: tuple[str, ...]
    changes: tuple[Change, ...]
    uploaders: tuple[str | None, ...]
    report: str | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def history(archive: Archive, suite: str, package: str | None = None) -> Iterator[HistoryEntry]:
    """The flips of a suite, newest first; with `package`, those in which it came or went.

    Ends where the records end: they are kept for a while only.
    """
    head = archive.head(archive.layout.inrelease(suite))
    newest = head.metadata.get(GENERATION) if head else None
    for record in archive.chain(suite, newest, None):
        flip = _flip(record, package)
        if package is None or flip.changes:
            yield flip


def _flip(record: Generation, package: str | None) -> HistoryEntry:
    changes = {
        **_changes("removed", record.removed or {}),
        **_changes("added", record.added or {}),
        **_forgotten(record),
    }
    batches = [each.batch for each in record.batches]
    return HistoryEntry(
        number=record.number,
        id=record.id,
        date=record.date,
        cause=record.cause,
        batches=tuple(f"{b.suite}/{b.component}/{b.id}" for b in batches),
        executions=tuple(each.execution for each in record.batches),
        uploaders=tuple(each.uploader for each in record.batches),
        changes=tuple(c for c in changes if package in (None, c.package)),
        report=Layout.prune_report(record.suite, record.id) if _is_prune(record) else None,
    )


def _forgotten(record: Generation) -> dict[Change, None]:
    return {
        Change(FORGOTTEN, "", *each.identity, each.sha256, each.size): None
        for outcome in record.batches
        for each in outcome.packages
        if each.action == FORGOTTEN
    }


def _is_prune(record: Generation) -> bool:
    return any("prune" in each.kinds for each in record.batches)


def _changes(action: str, listed: Mapping[str, Sequence[PackageRef]]) -> dict[Change, None]:
    """Once each, whichever indices name the package; a dict keeps their order."""
    return {
        Change(
            action,
            index.rsplit("/", 2)[0],
            *found.identity,
            found.sha256,
            found.size,
        ): None
        for index, packages in listed.items()
        for found in packages
    }
