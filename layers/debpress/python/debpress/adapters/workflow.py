"""The steps' port to the state machine, on botocore."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from debpress.adapters import aws
from debpress.records.messages.told import Told


class StepFunctions:
    """A `debpress.steps.executions.Workflow`.

    IAM: states:StartExecution on the machine, states:DescribeExecution on its executions.
    """

    def __init__(self, machine: str) -> None:
        self._machine = machine
        self._client = aws.client("stepfunctions")

    def start(self, data: dict[str, Any]) -> str:
        with aws.translated("start the workflow", "states:StartExecution"):
            answer = self._client.start_execution(
                stateMachineArn=self._machine, input=json.dumps(data)
            )
        return str(answer["executionArn"])

    def state(self, execution: str) -> str:
        with aws.translated("look at an execution", "states:DescribeExecution"):
            return str(self._client.describe_execution(executionArn=execution)["status"])


# Of an execution that waits no more: it has timed out, or was told or stopped before.
_NOBODY = frozenset({"TaskDoesNotExist", "TaskTimedOut"})


def tell(token: str, what: Told) -> bool:
    """Wakes the execution that waits with a token; False where none does any more.

    IAM: states:SendTaskSuccess on the machine.
    """
    with aws.translated("wake an execution", "states:SendTaskSuccess"):
        try:
            _client().send_task_success(taskToken=token, output=json.dumps({"outcome": what}))
        except ClientError as error:
            if aws.code(error) in _NOBODY:
                return False
            raise
    return True


@cache
def _client() -> Any:
    """Made when there is somebody to tell: most publishes are alone."""
    return aws.client("stepfunctions")
