"""What runs are told, at the end of a step `finish`."""

from __future__ import annotations

from debpress.clock import iso
from debpress.errors import Code, DebpressError
from debpress.records.batch import Problem
from debpress.records.generation import BatchOutcome, Generation, PackageOutcome
from debpress.records.result import PruneReport, Result
from debpress.steps.services import Services


class Answers:
    """Tells what became of runs, each its own."""

    def __init__(self, services: Services, suite: str) -> None:
        self._archive = services.archive
        self._runs = self._archive.runs(suite)
        self._clock = services.clock
        self._measure = services.measure
        self._suite = suite

    def published(self, record: Generation, run: str | None) -> str | None:
        """Answers the run; and, where the generation is of its making, every batch it decided.

        The others' executions will do the same when they get there; should one have died, its CI
        gets its answer all the same. A result comes before its queue entry goes: should this die in
        between, the entry is seen to be in, by the chain, and is cleared by the next to merge it.
        """
        if record.by == run:  # Fifty executions need not write fifty results each.
            for each in sorted(record.decided - {run}):
                self._decided(record, each)
            for left in record.unanswered:
                self._decided(
                    self._archive.suite(self._suite).generation(left.generation), left.run
                )
        if run is None:
            return None
        return self._decided(record, run) or self._unchanged(record, run)

    def _decided(self, record: Generation, run: str) -> str | None:
        """Answers one run with what a generation decided of it; None where it says nothing."""
        for outcome in record.batches:
            if outcome.run == run:
                # Before the result: should this die in between, whoever repeats it does both.
                report = self._report_prune(record) if "prune" in outcome.kinds else None
                if self.answer(outcome, "published", record, ()) and report:
                    count, size = len(report.removed), report.unnamed_bytes
                    self._measure(self._suite, VersionsPruned=count, BytesUnnamed=size)
                return "published"
        for outcome in record.refused:
            if outcome.run == run:
                self.answer(outcome, "rejected", None, outcome.errors or ())
                return "rejected"
        return None

    def _report_prune(self, record: Generation) -> PruneReport:
        report = PruneReport.of(record)
        self._archive.results.report_prune(record.id, report)
        return report

    def _unchanged(self, record: Generation, run: str) -> str | None:
        """All the run's packages were published before: that is a success (law 4)."""
        entry = self._runs.waiting(run)
        if entry is None:
            return self._answered(run)
        packages = tuple(PackageOutcome.of(p, "unchanged") for p in entry.packages)
        self.answer(BatchOutcome.of(entry.plan).taken(packages), "published", record, ())
        return "published"

    def _answered(self, run: str) -> str | None:
        """What was said by this step's earlier try, or by a repeat of the event, which cleared the
        entry. None where a newer upload of the manifest is to be answered instead, or another
        manifest in the same place was answered since, over the same result."""
        plan = self._runs.plan(run)
        result = self._archive.results.find(plan.batch)
        if result is not None and result.manifest == plan.manifest:
            return result.status
        if not self._archive.is_newest(plan.manifest):
            return None
        if result is not None and result.manifest.key != plan.manifest.key:
            return None
        raise DebpressError(
            f"the queue entry of run {run} is gone, and nobody was told what became of it; upload "
            "the batch's manifest again to start anew"
        )

    def rejected(self, run: str) -> str:
        plan = self._runs.plan(run)
        self.answer(
            BatchOutcome.of(plan), "rejected", None, self._runs.refusals(run) or plan.errors
        )
        return "rejected"

    def answer(
        self,
        outcome: BatchOutcome,
        status: str,
        record: Generation | None,
        problems: tuple[Problem, ...],
    ) -> bool:
        """Writes one result, unless its manifest has been uploaded anew, and clears its entry.
        Says whether it wrote it: not where it was written before."""
        result = Result.of(outcome, status, record, problems, iso(self._clock.now()))
        wrote = self._archive.results.answer(
            result, lambda: self._archive.is_newest(outcome.manifest)
        )
        self._runs.dequeue(outcome.run)
        if wrote and any(each.code == Code.PRUNE_TOO_MUCH for each in problems):
            # Untold where this dies right here; tomorrow's prune is refused as well.
            self._measure(self._suite, PrunesRefused=1)
        return wrote
