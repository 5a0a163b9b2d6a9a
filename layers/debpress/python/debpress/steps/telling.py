"""Waking the executions whose batches wait: with an answer, or to lead."""

from __future__ import annotations

from collections.abc import Mapping

from debpress.archive.runs import Runs
from debpress.concurrency import side_by_side
from debpress.records.messages.finish import Following
from debpress.records.messages.told import Told
from debpress.steps.services import Services


def answered(services: Services, suite: str, decided: Mapping[str, str | Following | None]) -> None:
    """Tells the executions of runs that their batches' results are written; and those whose batches
    go on in another suite, to see for themselves."""
    runs = services.archive.runs(suite)

    def tell(run: str) -> None:
        goes_on = isinstance(decided[run], Following)
        _tell(services, runs, run, Told.AGAIN if goes_on else Told.ANSWERED)

    side_by_side(tell, decided)


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
