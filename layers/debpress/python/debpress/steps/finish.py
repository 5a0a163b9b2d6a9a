"""finish: write the results of all runs that the workflow has decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from debpress.archive.suite import SuiteArchive
from debpress.errors import Code
from debpress.records.batch import Plan, Problem
from debpress.records.generation import BatchOutcome, Generation
from debpress.records.messages import Ended, FinishInput, FinishOutput
from debpress.steps.answers import Answers
from debpress.steps.services import Services
from debpress.suite import snapshot

# Seconds. A merge with its signature and its commit takes less. If one takes longer and then flips,
# its own `finish` replaces the result `failed` that was written here.
_MOST_WAITS = 60


def run(services: Services, message: FinishInput) -> FinishOutput:
    """Writes the results of a run and of those decided with it, and deletes their queue entries.

    With the outcome `published`, the message names the generation that has the run in it, or in
    which all of its packages were published before. Metrics of a prune are written together with
    the first writing of its result.
    """
    return FinishOutput(_status(services, message))


def _status(services: Services, message: FinishInput) -> str | None:
    run = message.run
    if run is not None and message.outcome is Ended.FAILED:
        return _failed(services, message.suite, run, message.error or {})
    answers = Answers(services, message.suite)
    if run is not None and message.outcome is Ended.REJECTED:
        return answers.rejected(run)
    if message.generation is None or message.outcome is Ended.FAILED:
        return None
    path = message.target or message.suite
    return answers.published(services.archive.suite(path).generation(message.generation), run)


def _failed(services: Services, suite: str, run: str, error: Mapping[str, Any]) -> str | None:
    """Writes the result `failed`, unless some generation has decided the run nevertheless."""
    plan = services.archive.runs(suite).plan(run)
    answers = Answers(services, suite)
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


def _decider(suite: SuiteArchive, newest: str | None, plan: Plan) -> Generation | None:
    chain = suite.chain(newest, plan.base)
    return next((record for record in chain if plan.run in record.decided), None)


def _made_all_the_same(services: Services, plan: Plan) -> Generation | None:
    """The generation that has decided the run although its execution failed; None if none has.

    The queue entry is deleted first, so that no later merge publishes a batch that CI is told has
    failed. A merge that has read the entry before may still flip, so this waits until none can,
    which is when InRelease has changed or the queue is empty (docs/protocol.md, interleaving 13).
    """
    if snapshot.asked(plan):  # A snapshot waits in no queue, and no other execution makes it.
        return services.archive.suite(snapshot.path(plan)).committed()
    suite, runs = services.archive.suite(plan.batch.suite), services.archive.runs(plan.batch.suite)
    runs.dequeue(plan.run)
    first = None
    for _ in range(_MOST_WAITS):
        alone = runs.is_queue_empty()
        state = suite.published()
        newest = state.generation if state else None
        if record := _decider(suite, newest, plan):
            return record
        first = first or newest
        if alone or newest != first:
            break
        services.clock.sleep(1)
    return None
