"""The results of batches and the reports of prunes and reapings, which CI and people read."""

from __future__ import annotations

from collections.abc import Callable

from debpress.archive import objects
from debpress.archive.headers import RESULT
from debpress.errors import DebpressError
from debpress.layout import Batch, Layout
from debpress.records.result import PruneReport, ReapReport, Result
from debpress.store import PreconditionFailed, Store


class Results:
    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, batch: Batch) -> Result | None:
        """The latest result of a batch of this name. Raises CorruptError."""
        return objects.find(self._store, Result, batch.result)

    def answer(self, result: Result, still_asked: Callable[[], bool]) -> bool:
        """Writes one result, unless the stored one says as much, or its manifest was uploaded anew.
        Returns whether it wrote.

        Two uploads of one batch name share a result's key. The conditional put closes the race in
        which the older result would replace the newer one: read the stored result, then check that
        the manifest is still the answered one (`still_asked`), then replace exactly what was read.
        A newer result is written after its newer manifest was uploaded: so either the check finds
        that manifest, or, if it came later, the newer result changes what the put expects to find.

        Most batches have a name of their own, and no result yet: so the first try expects none, and
        reads nothing.
        """
        key = result.batch.result
        for number in range(6):
            present = self._store.get(key) if number else None
            if not still_asked():
                return False
            if present is not None and objects.read(Result, present).says_enough(result):
                return False
            try:
                over = present.head.etag if present else None
                objects.replace(self._store, key, result, over, RESULT)
                return True
            except PreconditionFailed:
                continue
        raise DebpressError(f"{key} is being written again and again by others")

    def report_prune(self, generation: str, report: PruneReport) -> None:
        """Stores a prune's report. It follows from the generation, so a repeat changes nothing."""
        objects.keep(self._store, Layout.prune_report(report.suite, generation), report)

    def report_reaping(self, name: str, report: ReapReport) -> None:
        objects.keep(self._store, Layout.reap_report(name), report)
