"""How `reap` deletes: only objects that are still old, and with a report of each of them."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from debpress.clock import iso
from debpress.concurrency import side_by_side
from debpress.records.result import DeletedObject, ReapReport
from debpress.steps.services import Services
from debpress.store import Head, Store

# Deletions between two reports. A thousand take some seconds.
_PART = 1000


class Deletion:
    """Deletes in parts, and reports each part, also one that an error broke off. So if the function
    is killed, at most one part's deletions are in no report."""

    def __init__(self, services: Services, started: datetime, cutoff: datetime) -> None:
        self._services = services
        self._store: Store = services.store
        self._started = started
        self._cutoff = cutoff

    def delete(self, taken: list[Head], old: list[Head]) -> list[Head]:
        """Deletes `old` and returns all that is gone. `taken` are deleted already, and reported as
        the first part."""
        gone = [*taken]
        self._report(0, taken)
        for part, start in enumerate(range(0, len(old), _PART), start=1):
            done: list[Head] = []
            try:
                side_by_side(partial(self._one, done), old[start : start + _PART])
            finally:
                gone += done
                self._report(part, done)
        return gone

    def _one(self, done: list[Head], listed: Head) -> None:
        """Deletes the current version of an object, unless that was put since the cutoff."""
        head = self._store.head(listed.key)
        if head is None or head.last_modified >= self._cutoff:
            return  # Put anew since it was listed: a publish is about to name it.
        self._store.delete(head.key, head.version_id)
        done.append(head)

    def _report(self, part: int, deleted: list[Head]) -> None:
        if not deleted:
            return
        gone = sorted(deleted, key=lambda head: head.key)
        size = sum(head.size for head in gone)
        # The metric comes first: printing it can't fail, whereas writing the report can.
        self._services.measure(None, ObjectsReaped=len(gone), BytesReaped=size)
        report = ReapReport(
            started_at=iso(self._started),
            part=part,
            deleted=tuple(DeletedObject(h.key, h.size, h.version_id) for h in gone),
            bytes=size,
        )
        name = f"{self._started:%Y%m%dT%H%M%SZ}-{part}"
        self._services.archive.results.report_reaping(name, report)
