"""finish: write the results of all runs that the workflow has decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from debpress.errors import Code
from debpress.records.batch import Plan, Problem
from debpress.records.generation import BatchOutcome, Generation
from debpress.records.messages.finish import Ended, FinishInput, FinishOutput, Following
from debpress.steps.answers import Answers
from debpress.steps.services import Services
from debpress.steps.sources import provide
from debpress.steps.telling import hand_over

# Seconds. A merge with its signature and its commit takes less. If one takes longer and then flips,
# its own `finish` replaces the result `failed` that was written here.
_MOST_WAITS = 60


def run(services: Services, message: FinishInput, uri: str | None = None) -> FinishOutput:
    """Writes the results of a run and of those decided with it, and deletes their queue entries.
    Before that, a suite of a pattern gets its source; `uri` is where hosts find the root.

    With the outcome `published`, the message names the generation that has the run in it, or had
    all of its packages before. Metrics of a prune go with the first writing of its result.
    An execution that ends leads no more. So it has the batch that waits longest lead, when its own
    entry is gone (docs/protocol.md, interleaving 40).
    """
    run = message.run
    if run is not None and message.outcome is Ended.FAILED:
        return _output(_failed(services, message.suite, run, message.error or {}))
    answers, led = Answers(services, message.suite), True
    status: str | Following | None = None
    if run is not None and message.outcome is Ended.REJECTED:
        status = answers.rejected(run)
    elif message.outcome is Ended.PUBLISHED and message.generation is not None:
        path = message.target or message.suite
        record = services.archive.suite(path).generation(message.generation)
        provide(services, message, record, uri)
        status = answers.published(record, run)
        led = _led(record, run)
    if led:
        hand_over(services, message.suite)
    return _output(status)


def _output(found: str | Following | None) -> FinishOutput:
    return FinishOutput(None, found) if isinstance(found, Following) else FinishOutput(found)


def _led(record: Generation, run: str | None) -> bool:
    """Whether the run's execution is to hand over. Where another one's flip decided it, that one
    does, when it has deleted our entry; unless that one goes on to merge its own batch, and so
    answers for none that it took along (interleavings 41 and 42)."""
    return record.by == run or not {run, record.by} <= record.decided


def _failed(
    services: Services, suite: str, run: str, error: Mapping[str, Any]
) -> str | Following | None:
    """Writes the result `failed`, unless some generation has decided the run nevertheless."""
    plan = services.archive.runs(suite).plan(run)
    answers = Answers(services, suite)
    if plan.joint and not plan.joint.is_first:
        # Another suite has it. So this one's turn is still to come, and its entry stays where it is
        # (docs/protocol.md, interleaving 49).
        if record := _decided(services, suite, plan):
            return answers.published(record, run)
        if services.repository.suite(suite) is None:
            return answers.gone(plan, plan.joint)
        hand_over(services, suite)
        status = answers.stuck(plan, plan.joint)
        # A flip that came in between has told its own, and this execution is to say the same
        # (interleaving 54).
        record = _decided(services, suite, plan)
        return answers.published(record, run) if record else status
    record = _made_all_the_same(services, plan)
    if record is not None:
        return answers.published(record, run)
    message = (
        f"debpress could not finish ({error.get('Error', 'unknown error')}); nothing of this batch "
        "is published. Upload the manifest again; should it fail again, ask the repository's "
        f"operators to look at execution {plan.execution}"
    )
    problem = Problem(plan.manifest_name, str(Code.INTERNAL), message)
    answers.answer(BatchOutcome.of(plan), "failed", None, (problem,))
    return "failed"


def _decided(services: Services, suite: str, plan: Plan) -> Generation | None:
    """The generation published now, or before it, that has decided the run; that of a suite which
    has ended meanwhile, too."""
    archive = services.archive.suite(suite)
    return archive.decider(archive.newest(), plan.run, plan.base)


def _made_all_the_same(services: Services, plan: Plan) -> Generation | None:
    """The generation that has decided the run although its execution failed; None if none has.

    The queue entry is deleted first, so that no later merge publishes a batch that CI is told has
    failed. A merge that has read the entry before may still flip, so this waits until none can,
    which is when InRelease has changed or the queue is empty (docs/protocol.md, interleaving 13).
    """
    if plan.operations:
        from debpress.suite import snapshot  # noqa: PLC0415 (of few publishes)

        if snapshot.asked(plan):  # It waits in no queue, and no other execution makes it.
            return services.archive.suite(snapshot.path(plan)).committed()
    suite, runs = services.archive.suite(plan.batch.suite), services.archive.runs(plan.batch.suite)
    runs.dequeue(plan.run)
    hand_over(services, plan.batch.suite)
    first = None
    for _ in range(_MOST_WAITS):
        alone = runs.is_queue_empty()
        newest = suite.newest()
        if record := suite.decider(newest, plan.run, plan.base):
            return record
        first = first or newest
        if alone or newest != first:
            break
        services.clock.sleep(1)
    return None
