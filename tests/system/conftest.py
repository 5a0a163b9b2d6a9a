"""What only the system tests look at: the workflow from outside."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from local.stack import Stack

SECONDS = 60.0


@pytest.fixture
def executions(stack: Stack) -> Callable[[int], list[str]]:
    """Waits until, since the test began, so many executions were started and none of them runs;
    gives how each of them ended."""
    states = stack.client("stepfunctions")

    def look() -> dict[str, str]:
        pages = states.get_paginator("list_executions").paginate(
            stateMachineArn=stack.outputs.state_machine_arn
        )
        found = [execution for page in pages for execution in page["executions"]]
        return {each["executionArn"]: each["status"] for each in found}

    before = look()

    def wait(least: int) -> list[str]:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            found = [status for name, status in look().items() if name not in before]
            if len(found) >= least and "RUNNING" not in found:
                return found
            time.sleep(0.2)
        raise AssertionError(f"after {SECONDS:g} s, not {least} ended executions: {found}")

    return wait
