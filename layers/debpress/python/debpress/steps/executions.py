"""Executions of the workflow that a step starts and waits for: every suite signed anew."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Protocol

from debpress.clock import Clock
from debpress.errors import DebpressError
from debpress.steps.services import Services

_POLL_SECONDS = 0.5
# For all suites together: less than Lambda's 15 minutes, so that our own error, which names the
# suite, comes before Lambda's time-out.
_PATIENCE = timedelta(seconds=800)


class Workflow(Protocol):
    """The state machine, seen from outside."""

    def start(self, data: dict[str, Any]) -> str:
        """Starts an execution; returns its name."""

    def state(self, execution: str) -> str:
        """`RUNNING`, `SUCCEEDED`, or how it ended otherwise."""


def start_all(services: Services, workflow: Workflow) -> dict[str, str]:
    """Has the workflow begin to sign every suite anew, by the keys that sign then; returns the
    executions by suite. One that has ended stays so."""
    suites = services.archive.every_suite(services.repository)
    return {suite: workflow.start({"suite": suite}) for suite in suites}


def sign_all(services: Services, workflow: Workflow) -> None:
    """Has the workflow sign every suite anew, by the keys that sign now. Raises DebpressError when
    an execution fails or takes too long."""
    clock = services.clock
    deadline = clock.now() + _PATIENCE
    running = start_all(services, workflow)
    for suite, execution in running.items():
        _wait(clock, workflow, suite, execution, deadline)


def _wait(clock: Clock, workflow: Workflow, suite: str, execution: str, deadline: datetime) -> None:
    while (state := workflow.state(execution)) == "RUNNING":
        if clock.now() > deadline:
            raise DebpressError(f"suite {suite}: execution {execution} runs longer than it may")
        clock.sleep(_POLL_SECONDS)
    if state != "SUCCEEDED":
        raise DebpressError(
            f"suite {suite} could not be set up: execution {execution} {state.lower()}; "
            "its history says at which step, and why"
        )
