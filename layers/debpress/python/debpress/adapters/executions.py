"""Finds, kills and revives executions of the workflow, as an operator does."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from debpress.adapters import aws

# How many of those that run are looked at to find one.
_LOOKED_AT = 20


class Executions:
    """IAM: states:ListExecutions and states:StartExecution on the machine; on its executions
    states:DescribeExecution, states:StopExecution and states:RedriveExecution. Each method raises
    StoreError or TransientError."""

    def __init__(self, client: Any, machine: str) -> None:
        self._client = client
        self._machine = machine

    def running(self, text: str) -> str | None:
        """The execution that runs now whose input has `text` in it; None if there is none."""
        with aws.translated("see what runs", "states:ListExecutions and states:DescribeExecution"):
            listed = self._client.list_executions(
                stateMachineArn=self._machine, statusFilter="RUNNING", maxResults=_LOOKED_AT
            )["executions"]
            arns = (each["executionArn"] for each in listed)
            return next((arn for arn in arns if text in self._described(arn)["input"]), None)

    def input(self, execution: str) -> str:
        with aws.translated("see an execution", "states:DescribeExecution"):
            return str(self._described(execution)["input"])

    def status(self, execution: str) -> str:
        with aws.translated("see an execution", "states:DescribeExecution"):
            return str(self._described(execution)["status"])

    def stop(self, execution: str) -> bool:
        """Whether it was still running."""
        with aws.translated("stop an execution", "states:StopExecution"):
            try:
                self._client.stop_execution(executionArn=execution, error="debpress.proof")
            except ClientError as error:
                if aws.code(error) == "ValidationException":  # It has ended by itself.
                    return False
                raise
        return self.status(execution) == "ABORTED"

    def redrive(self, execution: str) -> bool:
        """Whether there is such a thing as a redrive here."""
        with aws.translated("redrive an execution", "states:RedriveExecution"):
            try:
                self._client.redrive_execution(executionArn=execution)
            except ClientError as error:
                if aws.code(error) in ("InvalidAction", "UnknownOperationException"):
                    return False
                raise
        return True

    def start(self, text: str) -> str:
        """Starts one with the input `text`."""
        with aws.translated("start the workflow", "states:StartExecution"):
            answer = self._client.start_execution(stateMachineArn=self._machine, input=text)
        return str(answer["executionArn"])

    def _described(self, execution: str) -> Any:
        return self._client.describe_execution(executionArn=execution)
