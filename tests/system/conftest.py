"""What only the system tests look at: the workflow from outside."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from local.stack import Stack

SECONDS = 60.0


@pytest.fixture
def executions(stack: Stack) -> Callable[[int], list[str]]:
    """Waits until none runs and there are at least so many; gives how each of them ended."""
    states = stack.client("stepfunctions")

    def look() -> list[str]:
        pages = states.get_paginator("list_executions").paginate(
            stateMachineArn=stack.outputs.state_machine_arn
        )
        return [execution["status"] for page in pages for execution in page["executions"]]

    def wait(least: int) -> list[str]:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            found = look()
            if len(found) >= least and "RUNNING" not in found:
                return found
            time.sleep(0.2)
        raise AssertionError(f"after {SECONDS:g} s, not {least} ended executions: {look()}")

    return wait
