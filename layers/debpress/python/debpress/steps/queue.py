"""queue: gather the verdicts of all chunks; queue the whole batch, or reject all of it."""

from __future__ import annotations

from datetime import UTC

from debpress.archive.runs import Runs
from debpress.deb.findings import printable
from debpress.errors import Code, Refusal
from debpress.records.batch import Plan, QueueEntry, bounded, problems
from debpress.records.messages import Queued, QueueInput, QueueOutput
from debpress.steps.services import Services
from debpress.suite import snapshot
from debpress.suite.batch import contradictions

# Bytes of all verdicts of a batch: 10,000 packages with stanzas of 1 KB take a third of it. A merge
# has every queue entry of its suite in memory at once.
_MOST_SAID = 32 * 10**6
# So few chunks can't exceed _MOST_SAID together, as admission bounds each of them.
_FEW = 3
_MOST_ERRORS = 10_000


def run(services: Services, message: QueueInput) -> QueueOutput:
    """Queues the run's batch, or rejects it with every error of every file."""
    runs = services.archive.runs(message.suite)
    plan = runs.plan(message.run)
    if snapshot.asked(plan):
        # A snapshot does not change its suite, so it need not wait for the suite's other batches.
        return QueueOutput(Queued.QUEUED)
    if refusal := _too_much(runs, plan):
        runs.keep_refusals(plan.run, problems([refusal]))
        return QueueOutput(Queued.REJECTED)
    verdicts = runs.verdicts(plan)
    packages = tuple(package for verdict in verdicts for package in verdict.packages)
    errors = [
        *plan.errors,
        *(error for verdict in verdicts for error in verdict.errors),
        *problems(contradictions(packages)),
    ]
    if errors:
        runs.keep_refusals(plan.run, bounded(errors, _MOST_ERRORS))
        return QueueOutput(Queued.REJECTED)
    # To the microsecond, so that two batches queued in one second keep their order.
    moment = services.clock.now().astimezone(UTC).isoformat(timespec="microseconds")
    runs.enqueue(QueueEntry(plan, moment, packages))
    return QueueOutput(Queued.QUEUED)


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
