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
    services: Services, record: Generation, outcome: BatchOutcome, joint: Joint
) -> Following | None:
    """Queues the batch, or the taking out of it, where its turn is next; None where there is no
    next. The entry in the suite of `record` may be deleted after that, and not before."""
    found = rules.following(record, outcome, joint)
    if found is None:
        return None
    suite, then = found
    archive = services.archive
    run = outcome.run if then.errors is None else rules.undoing(outcome.run)
    entry = archive.runs(record.suite).waiting(outcome.run) or _admitted(archive, outcome, joint)
    runs = archive.runs(suite)
    plan = runs.find_plan(run)
    if plan is None:
        # From here on the suite's chain tells whether it has decided the batch.
        state = archive.published(suite)
        newest = state.generation if state else None
        plan = runs.keep_plan(replace(entry.plan, run=run, base=newest, joint=then))
    moment = services.clock.now().astimezone(UTC).isoformat(timespec="microseconds")
    runs.enqueue(QueueEntry(plan, moment, entry.packages))
    return Following(suite, run)


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
