"""Handing a joint batch on: from the suite that has decided it to the queue of the next.

Whoever answers for a suite's generation does it, so that a batch goes on whichever execution is
alive; and as often as that answers, since the plan and the entry are those that were put first, and
what is decided in a suite's chain is passed over there (docs/protocol.md, interleaving 47).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

from debpress.archive import Archive
from debpress.records.batch import Flipped, Joint, QueueEntry
from debpress.records.generation import BatchOutcome, Generation
from debpress.records.messages.finish import Following
from debpress.steps.services import Services
from debpress.suite import joint as rules


def hand_on(
    services: Services, here: str, outcome: BatchOutcome, joint: Joint
) -> tuple[Following | None, Joint]:
    """Queues the batch, or the taking out of it, where its turn is next; None where there is no
    next. The entry in the suite `here` may be deleted after that, and not before. `joint` is what
    is known since that suite has decided; returned is what is known by then."""
    archive = services.archive
    suite, then = rules.following(services.repository, joint)
    if suite and then.errors is None and _is_in_vain(services, here, suite, outcome.run):
        joint = rules.gone(suite, outcome.manifest.key.rpartition("/")[2], joint)
        suite, then = rules.following(services.repository, joint)
    if suite is None:
        return None, then
    run = outcome.run if then.errors is None else rules.undoing(outcome.run)
    entry = archive.runs(here).waiting(outcome.run) or _admitted(archive, outcome, then)
    runs = archive.runs(suite)
    plan = runs.find_plan(run)
    if plan is None:
        # From here on the suite's chain tells whether it has decided the batch.
        state = archive.published(suite)
        newest = state.generation if state else None
        plan = runs.keep_plan(replace(entry.plan, run=run, base=newest, joint=then))
    moment = services.clock.now().astimezone(UTC).isoformat(timespec="microseconds")
    runs.enqueue(QueueEntry(plan, moment, entry.packages))
    return Following(suite, run), then


def _is_in_vain(services: Services, here: str, suite: str, run: str) -> bool:
    """Whether the next suite never takes the batch: it is configured no more; or the batch was
    turned around in this suite, which is for ever, whatever is configured since. A suite that has a
    plan of it was handed it when it was configured, and may have taken it."""
    runs = services.archive.runs
    if runs(here).find_plan(rules.undoing(run)):
        return True
    return services.repository.suite(suite) is None and runs(suite).find_plan(run) is None


def flipped(archive: Archive, found: Flipped, run: str) -> tuple[Generation, BatchOutcome]:
    """The generation by which a suite took the batch in, and what it says of it."""
    record = archive.suite(found.suite).generation(found.generation)
    return record, next(each for each in record.batches if each.run == rules.base(run))


def _admitted(archive: Archive, outcome: BatchOutcome, joint: Joint) -> QueueEntry:
    """What stood in the queue until somebody handed it on: as admission noted it in the first
    suite."""
    runs = archive.runs(joint.suites[0])
    plan = runs.plan(rules.base(outcome.run))
    packages = (package for verdict in runs.verdicts(plan) for package in verdict.packages)
    return QueueEntry(plan, "", tuple(packages))
