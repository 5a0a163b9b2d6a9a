"""How `reap` deletes: only objects that are still as they were found, and with a report of each."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from debpress.clock import iso
from debpress.concurrency import side_by_side
from debpress.layout import STAGING, Layout
from debpress.records.result import DeletedObject, ReapReport
from debpress.steps.services import Services
from debpress.store import Head, PreconditionFailed, Store

# Deletions between two reports. A thousand take some seconds.
_PART = 1000


@dataclass(frozen=True, slots=True)
class Condemned:
    """An object as it was listed, to be deleted unless it was put anew since: at `cutoff`, or
    later, or with another content. Where it `hides`, no earlier version of it comes back."""

    head: Head
    cutoff: datetime
    hides: bool = False


@dataclass(frozen=True, slots=True)
class Deleted:
    """The objects that are gone, and how many there was no time to look at."""

    gone: list[Head]
    left: int


class Deletion:
    """Deletes in parts, and reports each part, also one that an error broke off. So if the function
    is killed, at most one part's deletions are in no report. It is killed when its time is over;
    from `until` on, a little before that, nothing more is deleted. What is left is found again by
    the next reaping."""

    def __init__(self, services: Services, started: datetime, until: datetime | None) -> None:
        self._services = services
        self._store: Store = services.store
        self._started = started
        self._until = until

    def delete(self, taken: list[Head], condemned: Sequence[Condemned]) -> Deleted:
        """Deletes what is condemned. `taken` are gone already, and reported as the first part."""
        gone = [*taken]
        left: list[Condemned] = []
        self._report(0, taken)
        for part, start in enumerate(range(0, len(condemned), _PART), start=1):
            done: list[Head] = []
            try:
                some = condemned[start : start + _PART]
                left += filter(None, side_by_side(partial(self._one, done), some))
            finally:
                gone += done
                self._report(part, done)
        return Deleted(gone, len(left))

    def _one(self, done: list[Head], condemned: Condemned) -> Condemned | None:
        """Deletes the current version of an object, unless that was put since it was listed.
        Returns what there was no time for."""
        if self._until is not None and self._services.clock.now() >= self._until:
            return condemned
        listed = condemned.head
        head = self._store.head(listed.key)
        if head is None or head.last_modified >= condemned.cutoff or head.etag != listed.etag:
            return None  # Put anew: a publish is about to name it, or to take it from staging.
        if condemned.hides:
            with suppress(PreconditionFailed):
                self._store.delete(head.key, if_match=head.etag)
                done.append(head)
            return None
        self._store.delete(head.key, head.version_id)
        done.append(head)
        return None

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
        """What hosts could read once, and what CI had uploaded, apart; admission's own copies are
        neither."""
        staged = [head.size for head in gone if head.key.startswith(STAGING)]
        internal = (STAGING, Layout.incoming())
        others = [head.size for head in gone if not head.key.startswith(internal)]
        if others:
            self._services.measure(None, ObjectsReaped=len(others), BytesReaped=sum(others))
        if staged:
            self._services.measure(None, FilesUnstaged=len(staged), BytesUnstaged=sum(staged))
