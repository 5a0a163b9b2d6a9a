"""A batch whose files are all admitted is queued whole, or rejected with everything that is wrong.

`merge` begins with this. `queue` does it for executions that a former version of debpress started.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC

from debpress.archive.runs import Runs
from debpress.clock import Clock
from debpress.errors import Code, Refusal
from debpress.findings import printable
from debpress.records.batch import Plan, Problem, QueueEntry, Verdict, bounded, problems
from debpress.suite.batch import contradictions

# Bytes of all verdicts of a batch: 10,000 packages with stanzas of 1 KB take a third of it. A merge
# has every queue entry of its suite in memory at once.
_MOST_SAID = 32 * 10**6
# So few chunks can't exceed _MOST_SAID together, as admission bounds each of them.
_FEW = 3
_MOST_ERRORS = 10_000


@dataclass(frozen=True, slots=True)
class Joined:
    """`entry` is the queue entry that was written just now: None where there was one already, or
    where none is due, for a batch that is rejected, or a snapshot."""

    plan: Plan
    entry: QueueEntry | None = None
    is_rejected: bool = False


def join(runs: Runs, clock: Clock, run: str) -> Joined:
    """Queues the run's batch, or notes why it is rejected: every error of every file."""
    plan, first = runs.begun(run)
    if plan.operations:
        from debpress.suite import snapshot  # noqa: PLC0415 (of few publishes)

        # A snapshot does not change its suite, so it need not wait for the suite's other batches.
        if snapshot.asked(plan):
            return Joined(plan)
    if refusal := _too_much(runs, plan):
        return _rejected(runs, plan, problems([refusal]))
    verdicts: list[Verdict] = [first] if first and len(plan.chunks) == 1 else runs.verdicts(plan)
    packages = tuple(package for verdict in verdicts for package in verdict.packages)
    errors = (
        *plan.errors,
        *(error for verdict in verdicts for error in verdict.errors),
        *problems(contradictions(packages)),
    )
    if errors:
        return _rejected(runs, plan, bounded(errors, _MOST_ERRORS))
    # To the microsecond, so that two batches queued in one second keep their order.
    moment = clock.now().astimezone(UTC).isoformat(timespec="microseconds")
    entry = QueueEntry(plan, moment, packages)
    return Joined(plan, entry if runs.enqueue(entry) else None)


def _rejected(runs: Runs, plan: Plan, errors: tuple[Problem, ...]) -> Joined:
    runs.keep_refusals(plan.run, errors)
    return Joined(plan, is_rejected=True)


def _too_much(runs: Runs, plan: Plan) -> Refusal | None:
    """A refusal where the verdicts take more memory than a merge can spare; None where they fit."""
    size = runs.size_of_verdicts(plan.run) if len(plan.chunks) > _FEW else 0
    if size <= _MOST_SAID:
        return None
    message = (
        f"what the packages of this batch say of themselves, or what is wrong with them, takes "
        f"{size} bytes, the most is {_MOST_SAID}; make several batches"
    )
    return Refusal(printable(plan.manifest_name), Code.TOO_LARGE, message)
