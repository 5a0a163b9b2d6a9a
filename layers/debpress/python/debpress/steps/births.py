"""A suite of a pattern is born: entered among those that there are, before its first generation.

So whoever has something to do in every suite finds it, whatever becomes of its first flip; and of
two that are one too many, the second is refused (docs/protocol.md, interleavings 56 to 58).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from debpress.archive.runs import Runs
from debpress.clock import from_iso
from debpress.concurrency import side_by_side
from debpress.config import Life
from debpress.errors import Code
from debpress.records.batch import Plan, Problem
from debpress.records.messages.merge import MergeInput
from debpress.steps.services import Services
from debpress.suite.merge import DEAD, Situation


def entered(
    services: Services, life: Life, message: MergeInput, found: Situation
) -> Situation | None:
    """The same with what a merge may take of the queue, and what it is to refuse; the suite is
    entered if it has no end yet. None where the run's batch is for one suite too many, which is
    noted then."""
    if found.state is None or found.state.expires is None:
        own = next((entry for entry in found.queue if entry.run == message.run), None)
        if own is None or own.plan.operations or own.run in found.decided:
            # What others wait for, their own executions make the suite of.
            return replace(found, queue=[own] if own else [])
        if not _is_entered(services, life, own.plan, found):
            return None
    return _unrefused(services.archive.runs(message.suite), found, message.run)


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


def _unrefused(runs: Runs, found: Situation, own: str | None) -> Situation:
    """The queue without the batches of others that were refused for want of a place, and have yet
    to be told. Those whose executions must be dead are refused by the next flip, and told so."""
    others = [e for e in found.queue if e.run != own and e.run not in found.decided]
    said = side_by_side(lambda entry: runs.refusals(entry.run), others)
    refused = {
        entry.run: errors
        for entry, errors in zip(others, said, strict=True)
        if errors and any(each.code == Code.SUITES_TOO_MANY for each in errors)
    }
    dead = {e.run for e in others if found.now - from_iso(e.queued_at) > DEAD}
    queue = [e for e in found.queue if e.run not in refused or e.run in dead]
    return replace(
        found, queue=queue, refused={run: refused[run] for run in refused if run in dead}
    )


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
