"""merge: every batch that waits for a suite becomes one new generation, not yet visible.

Hosts see nothing of it: the new indices are stored under their hashes, the Release's text in the
generation's record. Of several merges the first to commit wins; the others merge again, on top of
the winner's generation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from debpress.concurrency import at_once
from debpress.records.batch import Plan, QueueEntry, in_order
from debpress.records.generation import Generation
from debpress.records.messages.merge import Merged, MergeInput, MergeOutput
from debpress.steps.queueing import join
from debpress.steps.services import Services
from debpress.suite import merge as rules
from debpress.suite.leading import Place, leads
from debpress.suite.merge import Absent, Done, Flip, Reject, Situation
from debpress.suite.published import Published


def run(services: Services, message: MergeInput) -> MergeOutput:
    """Queues the batch, and builds the next generation on the one published now, unless a batch
    that has waited longer leads. Raises ConfigError when the configuration contradicts what hosts
    know, and CorruptError."""
    runs, entry = services.archive.runs(message.suite), None
    if message.run is not None and not message.queued:
        joined = join(runs, services.clock, message.run)
        if joined.is_rejected:
            return MergeOutput(Merged.REJECTED)
        if taken := _snapshot(services, joined.plan):
            return taken
        entry = joined.entry
    line = runs.line()
    if message.run and not message.lead and not leads(line, message.run):
        return MergeOutput(Merged.WAIT)
    return _lead(services, message, line, entry)


def _lead(
    services: Services, message: MergeInput, line: Sequence[Place], known: QueueEntry | None
) -> MergeOutput:
    """Merges what stands in the line, of which `known` is read already."""
    archive = services.archive
    runs, suite = archive.runs(message.suite), archive.suite(message.suite)
    # The queue is read before InRelease: an entry that is deleted in between was decided by a flip,
    # which is then part of what is read afterwards. The other way round, a batch could be seen
    # neither in the queue nor in the chain. Entries and InRelease go side by side, since the line
    # was listed before; only where an entry of it is gone, one of them was read too early.
    found, state = at_once(lambda: runs.entries(line, known), suite.published)
    if None in found:
        state = suite.published()
    queue = in_order(found)
    life = services.repository.life(message.suite)
    # Also of one that is configured by its name: it may have been one of a pattern, and ended.
    ended = suite.ended() if state is None else None
    waits = any(entry.run == message.run for entry in queue)
    own = None if message.run is None or waits else runs.plan(message.run)
    if own and (taken := _snapshot(services, own)):
        return taken
    departures = archive.departures(message.suite)
    if message.run is None and not message.heartbeat:
        # A set-up, after each deployment: an older debpress may have been at it.
        departures.catch_up(state.generation if state else None)
    if message.heartbeat:
        _measure_validity(services, message.suite, state)
    chain: Iterable[Generation] = ()
    last = state or ended
    newest = last.generation if last else None
    if newest and (queue or own):
        chain = suite.chain(newest, rules.oldest_base(queue, own))
    situation = Situation(queue, state, rules.decided(chain), suite.now(state), ended)
    if life:
        from debpress.steps import births  # noqa: PLC0415 (of few suites)

        entered = births.entered(services, life, message, situation)
        if entered is None:
            return MergeOutput(Merged.REJECTED)
        situation = entered
    decision = rules.decide(services.repository, archive, message, situation)
    match decision:
        case Flip():
            at_once(
                lambda: departures.note(decision.generation),
                lambda: suite.keep_generation(
                    decision.generation, decision.indices, decision.contents
                ),
            )
            return MergeOutput(Merged.MERGED, message.suite, message.run, decision.generation.id)
        case Reject():
            runs.keep_refusals(message.run or "", decision.errors)
            return MergeOutput(Merged.REJECTED)
        case Done():
            return MergeOutput(Merged.DONE, generation=decision.generation)
        case Absent():
            # The run is neither in the queue nor decided in the chain: the execution of a repeated
            # event came first, and rejected it or found all its packages published. `finish` checks
            # that its result was written.
            refused_before = runs.refusals(message.run or "") is not None
    return MergeOutput(
        Merged.REJECTED if refused_before else Merged.DONE,
        generation=None if refused_before else newest,
    )


def _snapshot(services: Services, plan: Plan) -> MergeOutput | None:
    """Makes the snapshot that a run is for; None where it is for none."""
    if not plan.operations:
        return None
    from debpress.steps.snapshots import take  # noqa: PLC0415 (of few publishes)
    from debpress.suite import snapshot  # noqa: PLC0415

    operation = snapshot.asked(plan)
    return take(services, plan, operation) if operation else None


def _measure_validity(services: Services, suite: str, state: Published | None) -> None:
    """Writes the metric of the share of the published validity that is over, if it has an end."""
    used = state.release.used(state.now) if state else None
    if used is not None:
        services.measure(suite, ValidityUsed=used)
