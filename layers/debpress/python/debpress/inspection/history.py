"""How a suite came to be what it is: its generations, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

from debpress import codec
from debpress.archive import Archive
from debpress.archive.headers import GENERATION
from debpress.index.entries import Identity
from debpress.inspection.reading import ListedPackage
from debpress.layout import Batch, Layout
from debpress.records.batch import Provenance
from debpress.records.generation import BatchOutcome, Generation, PackageOutcome, PackageRef
from debpress.records.gone import FORGOTTEN


@dataclass(frozen=True, slots=True)
class Change:
    """A package that came (`added`) or went (`removed`) in a generation; or that an operator had
    `forgotten` by it, of whichever component, so of none. `batch` is whose it was, as in
    `HistoryEntry`, with its `uploader`; the last two are as in a generation's `batches`. Each is
    None where the generation does not tell it."""

    action: str
    component: str
    package: str
    version: str
    architecture: str
    sha256: str
    size: int
    batch: str | None = None
    uploader: str | None = None
    provenance: Provenance | None = None
    vouched_by: str | None = None

    def as_json(self) -> dict[str, Any]:
        proof = codec.encode(self.provenance) if self.provenance else None
        told = {**asdict(replace(self, provenance=None)), "provenance": proof}
        return {name: value for name, value in told.items() if value is not None}


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
        changes = [each.as_json() for each in self.changes]
        return {**asdict(replace(self, changes=())), "changes": changes}


def history(archive: Archive, suite: str, package: str | None = None) -> Iterator[HistoryEntry]:
    """The flips of a suite, newest first; with `package`, those in which it came or went.

    Ends where the records end: they are kept for a while only.
    """
    for record in _chain(archive, suite):
        flip = _flip(record, package)
        if package is None or flip.changes:
            yield flip


def arrival(
    archive: Archive, package: ListedPackage, most: int
) -> tuple[HistoryEntry, Change] | None:
    """How a package came into its suite, the last time; None where that is more than so many
    generations ago, or no record tells it."""
    wanted = "added", package.component, *package.identity
    for record in islice(_chain(archive, package.suite), most):
        flip = _flip(record, package.identity.package)
        for each in flip.changes:
            if (each.action, each.component, *_identity(each)) == wanted:
                return flip, each
    return None


def _identity(change: Change) -> Identity:
    return Identity(change.package, change.version, change.architecture)


def _chain(archive: Archive, suite: str) -> Iterator[Generation]:
    head = archive.head(archive.layout.inrelease(suite))
    return archive.chain(suite, head.metadata.get(GENERATION) if head else None, None)


def _flip(record: Generation, package: str | None) -> HistoryEntry:
    changes = {
        **_changes(record, "removed", record.removed or {}),
        **_changes(record, "added", record.added or {}),
        **_forgotten(record),
    }
    return HistoryEntry(
        number=record.number,
        id=record.id,
        date=record.date,
        cause=record.cause,
        batches=tuple(_name(each.batch) for each in record.batches),
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


def _changes(
    record: Generation, action: str, listed: Mapping[str, Sequence[PackageRef]]
) -> dict[Change, None]:
    """Once each, whichever indices name the package; a dict keeps their order."""
    told = {
        (found.action, found.identity, found.sha256): (outcome, found)
        for outcome in record.batches
        for found in outcome.packages
    }
    changes: dict[Change, None] = {}
    for index, packages in listed.items():
        for found in packages:
            component = index.rsplit("/", 2)[0]
            change = Change(action, component, *found.identity, found.sha256, found.size)
            if by := told.get((action, found.identity, found.sha256)):
                change = _told(change, *by)
            changes[change] = None
    return changes


def _told(change: Change, by: BatchOutcome, outcome: PackageOutcome) -> Change:
    return replace(
        change,
        batch=_name(by.batch),
        uploader=by.uploader,
        provenance=outcome.provenance,
        vouched_by=outcome.vouched_by,
    )


def _name(batch: Batch) -> str:
    return f"{batch.suite}/{batch.component}/{batch.id}"
