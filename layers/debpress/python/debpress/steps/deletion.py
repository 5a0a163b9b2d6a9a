"""How `reap` deletes: only objects that are still as they were found, and with a report of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from debpress.clock import iso
from debpress.concurrency import side_by_side
from debpress.layout import STAGING
from debpress.records.result import DeletedObject, ReapReport
from debpress.steps.services import Services
from debpress.store import Head, Store

# Deletions between two reports. A thousand take some seconds.
_PART = 1000


@dataclass(frozen=True, slots=True)
class Condemned:
    """An object as it was listed, to be deleted unless it was put anew since: at `cutoff`, or
    later, or with another content."""

    head: Head
    cutoff: datetime


class Deletion:
    """Deletes in parts, and reports each part, also one that an error broke off. So if the function
    is killed, at most one part's deletions are in no report."""

    def __init__(self, services: Services, started: datetime) -> None:
        self._services = services
        self._store: Store = services.store
        self._started = started

    def delete(self, taken: list[Head], condemned: Sequence[Condemned]) -> list[Head]:
        """Deletes what is condemned and returns all that is gone. `taken` are deleted already, and
        reported as the first part."""
        gone = [*taken]
        self._report(0, taken)
        for part, start in enumerate(range(0, len(condemned), _PART), start=1):
            done: list[Head] = []
            try:
                side_by_side(partial(self._one, done), condemned[start : start + _PART])
            finally:
                gone += done
                self._report(part, done)
        return gone

    def _one(self, done: list[Head], condemned: Condemned) -> None:
        """Deletes the current version of an object, unless that was put since it was listed."""
        listed = condemned.head
        head = self._store.head(listed.key)
        if head is None or head.last_modified >= condemned.cutoff or head.etag != listed.etag:
            return  # Put anew: a publish is about to name it, or to take it from staging.
        self._store.delete(head.key, head.version_id)
        done.append(head)

    def _report(self, part: int, deleted: list[Head]) -> None:
        if not deleted:
            return
        gone = sorted(deleted, key=lambda head: head.key)
        # The metrics come first: printing them can't fail, whereas writing the report can.
        self._measure(gone)
        report = ReapReport(
            started_at=iso(self._started),
            part=part,
            deleted=tuple(DeletedObject(h.key, h.size, h.version_id) for h in gone),
            bytes=sum(head.size for head in gone),
        )
        name = f"{self._started:%Y%m%dT%H%M%SZ}-{part}"
        self._services.archive.results.report_reaping(name, report)

    def _measure(self, gone: Sequence[Head]) -> None:
        """What hosts could read once, and what CI had uploaded, apart."""
        staged = [head.size for head in gone if head.key.startswith(STAGING)]
        others = [head.size for head in gone if not head.key.startswith(STAGING)]
        if others:
            self._services.measure(None, ObjectsReaped=len(others), BytesReaped=sum(others))
        if staged:
            self._services.measure(None, FilesUnstaged=len(staged), BytesUnstaged=sum(staged))
