"""The steps' port to the state machine, on boto3."""

from __future__ import annotations

import json
from typing import Any

from debpress.adapters import aws


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
