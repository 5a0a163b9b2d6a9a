"""Results and reports: what is written for people and CI."""

from __future__ import annotations

from collections.abc import Callable

from debpress import codec
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
        """What was said last of a batch's name. Raises CorruptError."""
        return objects.find(self._store, Result, batch.result)

    def answer(self, result: Result, still_asked: Callable[[], bool]) -> bool:
        """Writes one result, unless it was said before, or nobody asks for it any more. Says
        whether it wrote it.

        Two uploads of one batch name share a result's key. The conditional put closes the race in
        which the older answer would replace the newer one: read the result, then see whether the
        manifest is still ours (`still_asked`), then put over what was read. The newer answer comes
        after the newer manifest, so it is either seen in the manifest or it fails the put.
        """
        key = result.batch.result
        for _ in range(5):
            present = self._store.get(key)
            if not still_asked():
                return False
            if present is not None and objects.read(Result, present).says_enough(result):
                return False
            try:
                self._store.put(
                    key,
                    codec.dump(result),
                    RESULT,
                    if_match=present.head.etag if present else None,
                    if_absent=present is None,
                )
                return True
            except PreconditionFailed:
                continue
        raise DebpressError(f"{key} is being written again and again by others")

    def report_prune(self, generation: str, report: PruneReport) -> None:
        """The same bytes whoever repeats it."""
        objects.keep(self._store, Layout.prune_report(report.suite, generation), report)

    def report_reaping(self, name: str, report: ReapReport) -> None:
        objects.keep(self._store, Layout.reap_report(name), report)
