"""Waking the executions whose batches wait: with an answer, or to lead."""

from __future__ import annotations

from collections.abc import Iterable

from debpress.archive.runs import Runs
from debpress.concurrency import side_by_side
from debpress.records.messages.told import Told
from debpress.steps.services import Services


def answered(services: Services, suite: str, decided: Iterable[str]) -> None:
    """Tells the executions of runs that their batches' results are written."""
    runs = services.archive.runs(suite)
    side_by_side(lambda run: _tell(services, runs, run, Told.ANSWERED), decided)


def hand_over(services: Services, suite: str) -> None:
    """Has the batch that waits longest lead, as this execution does not any more.

    One that has left no word yet looks at the queue when it has, and finds that it leads. One that
    does not wait any more has died, or leads already. So the first that can be told is.
    """
    runs = services.archive.runs(suite)
    for place in runs.line():
        if _tell(services, runs, place.run, Told.AGAIN):
            return


def _tell(services: Services, runs: Runs, run: str, what: Told) -> bool:
    token = runs.token(run)
    return token is not None and services.tell(token, what)
