"""finish: tell everybody whose batch is decided, and only what is true."""

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

# Seconds. A merge, with its signature and its commit, takes less; should one take longer, and flip,
# its own finish corrects what was said here.
_MOST_WAITS = 60


def run(services: Services, message: FinishInput) -> FinishOutput:
    """Writes the results that a run's end decides, and clears the queue of their entries.

    `published` comes with the generation that has the run in it, or that made its packages nothing
    new. What a prune took out, or that it was refused, is measured when its result is first
    written.
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
    """The workflow broke down: say so, unless the batch is in all the same."""
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
    """The generation that decided the run after all.

    The entry leaves the queue first, so that no later merge takes up what CI is told has failed.
    One that has read it by now may still flip, and is waited for: no such merge is left when
    InRelease has changed, or when nobody else waits (docs/protocol.md, interleaving 13).
    """
    if snapshot.asked(plan):  # Nobody else makes it, and it waits in no queue.
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
