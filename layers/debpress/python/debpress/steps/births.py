"""A suite of a pattern is born: entered among those that there are, before its first generation.

So whoever has something to do in every suite finds it, whatever becomes of its first flip; and of
two that are one too many, the second is refused (docs/protocol.md, interleavings 56 to 58).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from debpress.archive.runs import Runs
from debpress.concurrency import side_by_side
from debpress.config import Life
from debpress.errors import Code
from debpress.records.batch import Plan, Problem, QueueEntry
from debpress.records.messages.merge import MergeInput
from debpress.steps.services import Services
from debpress.suite.merge import Situation


def entered(
    services: Services, life: Life, message: MergeInput, found: Situation
) -> list[QueueEntry] | None:
    """What a merge may take of the queue, the suite being entered if it has no end yet. None where
    the run's batch is for one suite too many, which is noted then."""
    if found.state is None or found.state.expires is None:
        own = next((entry for entry in found.queue if entry.run == message.run), None)
        if own is None or own.plan.operations or own.run in found.decided:
            # What others wait for, their own executions make the suite of.
            return [own] if own else []
        if not _is_entered(services, life, own.plan, found):
            return None
    return _unrefused(services.archive.runs(message.suite), found.queue, message.run)


def _is_entered(services: Services, life: Life, own: Plan, found: Situation) -> bool:
    """Whether the suite is entered. A refusal is noted, and then it is looked a second time: so
    whoever enters the suite meanwhile, and is about to take this batch along, either reads the
    note after that, and leaves the batch, or has entered the suite before this look."""
    suites, suite = services.archive.suites, own.batch.suite
    # One that was there before there was the pattern has its place.
    most = life.at_most if found.state is None else None
    others = suites.enter(life.pattern, suite, found.now, most)
    if others is None:
        return True
    services.archive.runs(suite).keep_refusals(own.run, [_too_many(services, life, own, others)])
    return suites.enter(life.pattern, suite, found.now, most) is None


def _unrefused(runs: Runs, queue: Sequence[QueueEntry], own: str | None) -> list[QueueEntry]:
    """The queue without the batches of others that were refused for want of a place, and have yet
    to be told."""
    others = [entry.run for entry in queue if entry.run != own]
    refused = dict(zip(others, side_by_side(runs.refusals, others), strict=True))
    return [
        entry
        for entry in queue
        if not any(each.code == Code.SUITES_TOO_MANY for each in refused.get(entry.run) or ())
    ]


def _too_many(services: Services, life: Life, own: Plan, others: Mapping[str, str]) -> Problem:
    if not life.at_most:
        message = f"no more suites of {life.pattern} are made (at_most is 0); publish to another"
        return Problem(own.manifest_name, str(Code.SUITES_TOO_MANY), message)
    archive = services.archive
    states = side_by_side(lambda name: archive.suite(name).ends(), others)
    ends = sorted((at, name) for at, name in zip(states, others, strict=True) if at)
    following = f"; {ends[0][1]} is the next to end, at {ends[0][0]}" if ends else ""
    message = (
        f"there are {len(others)} suites of {life.pattern}, and no more are allowed at once"
        f"{following}; upload the manifest again when one has ended, or ask the repository's "
        "operators to end one that nobody needs (debpress suites)"
    )
    return Problem(own.manifest_name, str(Code.SUITES_TOO_MANY), message)
