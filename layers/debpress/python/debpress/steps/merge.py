"""merge: every batch that waits for a suite becomes one new generation, not yet visible.

Hosts see nothing of it: the new indices are stored under their hashes, the Release's text in the
generation's record. Of several merges the first to commit wins; the others merge again, on top of
the winner's generation.
"""

from __future__ import annotations

from collections.abc import Iterable

from debpress.archive.runs import Runs
from debpress.clock import from_iso
from debpress.errors import Code, IndexGoneError, RejectedError
from debpress.layout import OPERATIONS
from debpress.records.batch import Plan, Problem, problems
from debpress.records.generation import Generation
from debpress.records.messages import Merged, MergeInput, MergeOutput
from debpress.steps.services import Services
from debpress.suite import merge as rules
from debpress.suite import snapshot
from debpress.suite.merge import Absent, Done, Flip, Reject, Situation, Wait
from debpress.suite.operations import Snapshot
from debpress.suite.published import Published


def run(services: Services, message: MergeInput) -> MergeOutput:
    """Builds the next generation on the one published now. Raises ConfigError when the
    configuration contradicts what hosts know, and CorruptError."""
    archive = services.archive
    runs = archive.runs(message.suite)
    # The queue is read before InRelease: an entry that is deleted in between was decided by a flip,
    # which is then part of what is read afterwards. The other way round, a batch could be seen
    # neither in the queue nor in the chain.
    queue = runs.queue()
    waits = any(entry.run == message.run for entry in queue)
    own = None if message.run is None or waits else runs.plan(message.run)
    if own and (operation := snapshot.asked(own)):
        return _snapshot(services, own, operation)
    suite = archive.suite(message.suite)
    state = suite.published()
    departures = archive.departures(message.suite)
    if message.run is None and not message.heartbeat:
        # A set-up, after each deployment: an older debpress may have been at it.
        departures.catch_up(state.generation if state else None)
    if message.heartbeat:
        _measure_validity(services, message.suite, state)
    chain: Iterable[Generation] = ()
    if state and state.generation and (queue or own):
        chain = suite.chain(state.generation, rules.oldest_base(queue, own))
    found = Situation(
        queue=queue,
        state=state,
        decided=rules.decided(chain),
        now=suite.now(state),
        here=services.clock.now(),
    )
    decision = rules.decide(services.repository, archive, message, found)
    match decision:
        case Flip():
            departures.note(decision.generation)
            suite.keep_generation(decision.generation, decision.indices)
            return MergeOutput(Merged.MERGED, message.suite, message.run, decision.generation.id)
        case Reject():
            return _reject(runs, message.run or "", decision.errors)
        case Wait():
            return MergeOutput(Merged.WAIT)
        case Done():
            return MergeOutput(Merged.DONE, generation=decision.generation)
        case Absent():
            # The run is neither in the queue nor decided in the chain: the execution of a repeated
            # event came first, and rejected it or found all its packages published. `finish` checks
            # that its result was written.
            refused_before = runs.refusals(message.run or "") is not None
            newest = state.generation if state else None
    return MergeOutput(
        Merged.REJECTED if refused_before else Merged.DONE,
        generation=None if refused_before else newest,
    )


def _snapshot(services: Services, plan: Plan, operation: Snapshot) -> MergeOutput:
    """Stores the indices and the record of the snapshot that a run asks for."""
    archive, path, shown = services.archive, snapshot.path(plan), snapshot.shown(plan, operation)
    there = archive.suite(path).committed()
    if there is not None:
        return MergeOutput(Merged.DONE, path, plan.run, there.id)
    suite, started = plan.batch.suite, from_iso(plan.started_at)
    runs = archive.runs(suite)
    try:
        then = snapshot.release_of(services.repository, archive, suite, shown, started)
        archive.suite(suite).copy_indices(then, path)
    except IndexGoneError as error:
        message = f"generation {shown} is too old: {error.key} is deleted; take a newer one"
        return _reject(runs, plan.run, (Problem(OPERATIONS, Code.GENERATION_UNKNOWN, message),))
    except RejectedError as error:
        return _reject(runs, plan.run, problems(error.refusals))
    record = snapshot.generation(plan, operation, then)
    archive.suite(path).keep_record(record)
    return MergeOutput(Merged.MERGED, path, plan.run, record.id)


def _reject(runs: Runs, run: str, errors: tuple[Problem, ...]) -> MergeOutput:
    runs.keep_refusals(run, errors)
    return MergeOutput(Merged.REJECTED)


def _measure_validity(services: Services, suite: str, state: Published | None) -> None:
    """Writes the metric of the share of the published validity that is over, if it has an end."""
    used = state.release.used(state.now) if state else None
    if used is not None:
        services.measure(suite, ValidityUsed=used)
