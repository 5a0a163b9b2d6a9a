"""Writes the results of runs, for the step `finish`."""

from __future__ import annotations

from collections.abc import Sequence

from debpress.clock import iso
from debpress.concurrency import side_by_side
from debpress.errors import Code, DebpressError, TransientError
from debpress.records.batch import Flipped, Joint, Plan, Problem
from debpress.records.generation import BatchOutcome, Generation, PackageOutcome
from debpress.records.messages.finish import Following
from debpress.records.result import PruneReport, Result
from debpress.steps.services import Services
from debpress.steps.telling import answered


class Answers:
    """The results that a suite's runs are given. Every run has a result of its own."""

    def __init__(self, services: Services, suite: str) -> None:
        self._services = services
        self._archive = services.archive
        self._runs = self._archive.runs(suite)
        self._clock = services.clock
        self._measure = services.measure
        self._suite = suite

    def published(self, record: Generation, run: str | None) -> str | Following | None:
        """Writes the result of `run`; and, if its execution made the generation, the results of
        every run that the generation decided.

        The executions of the other runs are told so and end; if one has died, its CI has its result
        all the same. A batch for several suites goes on in the next of them, which is returned,
        and its own execution follows it. A result is written before its queue entry is deleted:
        if this function dies in between, the next merge finds in the chain of generations that the
        entry's run is decided, and its `finish` deletes the entry.
        """
        told = None if run is None else self._decided(record, run) or self._unchanged(record, run)
        if record.by == run:  # One execution writes for all, and the others end with that.
            self._all_others(record, sorted(record.decided - {run}))
        return told

    def _all_others(self, record: Generation, others: Sequence[str]) -> None:
        """A batch for several suites may not go on while another of them is damaged, and those
        beside it are answered all the same. Its entry stays, so its own execution tries again, or
        the next flip here; and `watch` says how long it waits (interleaving 52). What may work when
        it is tried again is raised, when all else is done."""
        suite = self._archive.suite(self._suite)
        passing: list[TransientError] = []

        def decided(run: str, generation: str | None = None) -> str | Following | None:
            try:
                return self._decided(suite.generation(generation) if generation else record, run)
            except TransientError as error:
                passing.append(error)
            except DebpressError:
                pass
            return None

        found = dict(zip(others, side_by_side(decided, others), strict=True))
        answered(self._services, self._suite, {run: each for run, each in found.items() if each})
        for left in record.unanswered:
            decided(left.run, left.generation)
        if passing:
            raise passing[0]

    def _decided(self, record: Generation, run: str) -> str | Following | None:
        """Writes the result that a generation decided for a run, or hands it on; None if it decided
        nothing."""
        for outcome in (*record.batches, *record.refused):
            if outcome.run == run and outcome.joint:
                return self._joint(record, outcome, outcome.joint)
        for outcome in record.batches:
            if outcome.run == run:
                # The report comes before the result: if this dies in between, the result is
                # missing, so the repeat writes both.
                report = self._report_prune(record) if "prune" in outcome.kinds else None
                if self.answer(outcome, "published", record, ()) and report:
                    self._measure_prune(report)
                return "published"
        for outcome in record.refused:
            if outcome.run == run:
                self.answer(outcome, "rejected", None, outcome.errors or ())
                return "rejected"
        return None

    def _joint(self, record: Generation, outcome: BatchOutcome, joint: Joint) -> str | Following:
        from debpress.suite import joint as rules  # noqa: PLC0415 (of few publishes)

        return self._goes_on(outcome, rules.decided(record, outcome, joint))

    def gone(self, plan: Plan, joint: Joint) -> str | Following:
        """Of a batch that others of its suites have or had, where this one is configured no more.
        It goes back through them, as if this one had refused it (interleaving 53)."""
        from debpress.suite import joint as rules  # noqa: PLC0415 (of few publishes)

        then = rules.gone(self._suite, plan.manifest_name, joint)
        return self._goes_on(BatchOutcome.of(plan), then)

    def _goes_on(self, outcome: BatchOutcome, joint: Joint) -> str | Following:
        """The batch goes on before its entry here is deleted: if this dies in between, whoever
        comes upon the entry hands it on again."""
        from debpress.steps import handing  # noqa: PLC0415 (of few publishes)

        following, joint = handing.hand_on(self._services, self._suite, outcome, joint)
        if following is not None:
            self._runs.dequeue(outcome.run)
            return following
        if joint.errors is None:
            first, told = handing.flipped(self._archive, joint.done[0], outcome.run)
            self.write(told, "published", first, (), joint.done)
        else:
            self.write(outcome.refused(joint.errors), "rejected", None, joint.errors, ())
        self._runs.dequeue(outcome.run)
        return "published" if joint.errors is None else "rejected"

    def stuck(self, plan: Plan, joint: Joint) -> str:
        """Of a batch that some of its suites have, whose execution can't go on. It keeps its place
        in the queue: whoever publishes next takes it along, and replaces this result."""
        had = ", ".join(each.suite for each in joint.done)
        left = "follow" if joint.errors is None else "take it out again, as it was refused"
        message = (
            f"debpress could not finish: {had} has this batch, and {self._suite} is yet to {left}; "
            "it does with its next publish, or when the repository's operators redrive execution "
            f"{plan.execution}"
        )
        problem = Problem(plan.manifest_name, str(Code.INTERNAL), message)
        self.write(BatchOutcome.of(plan), "failed", None, (problem,))
        return "failed"

    def _report_prune(self, record: Generation) -> PruneReport:
        report = PruneReport.of(record)
        self._archive.results.report_prune(record.id, report)
        return report

    def _measure_prune(self, report: PruneReport) -> None:
        count, size = len(report.removed), report.unnamed_bytes
        self._measure(self._suite, VersionsPruned=count, BytesUnnamed=size)
        if report.left_over:
            # Refused in part: somebody should look before the next one takes more.
            self._measure(self._suite, PrunesRefused=1, VersionsLeftOver=report.left_over)

    def _unchanged(self, record: Generation, run: str) -> str | None:
        """The result of a run whose packages were all published before: a success (law 4)."""
        entry = self._runs.waiting(run)
        if entry is None:
            return self._answered(run)
        packages = tuple(PackageOutcome.of(p, "unchanged") for p in entry.packages)
        self.answer(BatchOutcome.of(entry.plan).taken(packages), "published", record, ())
        return "published"

    def _answered(self, run: str) -> str | None:
        """The status that was written already, by an earlier try of this step or by a repeat of the
        event, which has deleted the queue entry.

        None where no result is due: the manifest was uploaded again, and the newer upload has its
        own run; or another manifest of the same batch was answered since, under the same key.
        """
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

    def write(
        self,
        outcome: BatchOutcome,
        status: str,
        record: Generation | None,
        problems: tuple[Problem, ...],
        suites: tuple[Flipped, ...] | None = None,
    ) -> bool:
        finished_at = iso(self._clock.now())
        if suites is None and outcome.joint:
            suites = outcome.joint.done
        result = Result.of(outcome, status, record, problems, finished_at, suites)
        return self._archive.results.answer(
            result, lambda: self._archive.is_newest(outcome.manifest)
        )

    def answer(
        self,
        outcome: BatchOutcome,
        status: str,
        record: Generation | None,
        problems: tuple[Problem, ...],
    ) -> bool:
        """Writes one result, unless it was written before or its manifest was uploaded anew, and
        deletes the run's queue entry. Returns whether it wrote."""
        wrote = self.write(outcome, status, record, problems)
        self._runs.dequeue(outcome.run)
        if wrote and any(each.code == Code.PRUNE_TOO_MUCH for each in problems):
            # Lost if the function dies right here; tomorrow's prune is refused and counted, too.
            self._measure(self._suite, PrunesRefused=1)
        return wrote
