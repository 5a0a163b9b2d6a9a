"""A deployment that fails in set-up is rolled back, and not stuck."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.ci import Ci
from local.stack import Stack
from tests.support.documents import blocks, sh

SECONDS = 120.0
PRESS, SET_UP = "debpress-press", "Custom::DebpressRepository"


class Deployed:
    """The stack that has the set-up, and what becomes of updates of it."""

    def __init__(self, stack: Stack) -> None:
        self._formation = stack.client("cloudformation")
        self._s3, self._stack = stack.client("s3"), stack
        self.name = PRESS

    def _template(self, name: str) -> dict[str, Any]:
        body = self._formation.get_template(StackName=name)["TemplateBody"]
        return dict(json.loads(body) if isinstance(body, str) else body)

    def update(self, change: Callable[[dict[str, Any]], None]) -> str:
        """Changes the properties of the set-up; gives the stack's status in the end."""
        template = self._template(self.name)
        (resource,) = (r for r in template["Resources"].values() if r["Type"] == SET_UP)
        change(resource["Properties"])
        bucket, key = "templates-of-the-test", "changed.json"
        self._s3.create_bucket(Bucket=bucket)
        self._s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(template).encode())
        self._formation.update_stack(
            StackName=self.name,
            TemplateURL=f"{self._stack.outputs.endpoint_url}/{bucket}/{key}",
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        return self.ends()

    def ends(self) -> str:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            (described,) = self._formation.describe_stacks(StackName=self.name)["Stacks"]
            if not described["StackStatus"].endswith("_IN_PROGRESS"):
                return str(described["StackStatus"])
            time.sleep(0.2)
        raise AssertionError(f"{self.name} is still {described['StackStatus']}")

    def outputs(self) -> dict[str, str]:
        (described,) = self._formation.describe_stacks(StackName=self.name)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}

    @contextmanager
    def without_environment(self) -> Iterator[None]:
        """The function of set-up, without its variables meanwhile."""
        functions = self._stack.client("lambda")
        output = self.outputs()["SetUpFunction"]
        before = functions.get_function_configuration(FunctionName=output)["Environment"]
        functions.update_function_configuration(FunctionName=output, Environment={"Variables": {}})
        try:
            yield
        finally:
            functions.update_function_configuration(FunctionName=output, Environment=before)

    def reasons(self) -> list[str]:
        events = self._formation.describe_stack_events(StackName=self.name)["StackEvents"]
        return [e.get("ResourceStatusReason", "") for e in events if e["ResourceType"] == SET_UP]


@pytest.fixture
def deployed(stack: Stack) -> Deployed:
    return Deployed(stack)


def test_a_set_up_that_fails_is_rolled_back_to_the_last_that_succeeded(
    stack: Stack, deployed: Deployed, executions: Callable[[int], list[str]]
) -> None:
    assert deployed.update(lambda properties: properties.pop("Uri")) == "UPDATE_ROLLBACK_COMPLETE"
    assert any("KeyError: 'Uri'" in reason for reason in deployed.reasons())
    # After the answer every suite is signed again, without anybody waiting for it.
    ended = executions(len(stack.outputs.suites))
    assert set(ended) == {"SUCCEEDED"}


def test_a_stack_that_cannot_roll_back_is_freed_by_the_runbooks_commands(
    stack: Stack, deployed: Deployed, ci: Ci, tmp_path: Path
) -> None:
    """The function has lost its bucket's name, by somebody's hand."""
    look, mended, skip = blocks("docs/runbook.md", "A stack that can't roll back")
    assert "continue-update-rollback" in mended

    def typed(script: str) -> str:
        # The command looks every half minute.
        script = "".join(s for s in script.splitlines(True) if " wait " not in s)
        assert "--stack-name debpress" in script
        script = re.sub(r"--stack-name \S+", f"--stack-name {deployed.name}", script)
        done = sh(script, tmp_path, ci.environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    with deployed.without_environment():
        status = deployed.update(lambda properties: properties.update(Uri="https://other.example"))
        assert status == "UPDATE_ROLLBACK_FAILED"
        assert "DEBPRESS_BUCKET is not set" in typed(look)
        typed(skip)
        assert deployed.ends() == "UPDATE_ROLLBACK_COMPLETE"


def test_what_breaks_after_lambda_accepted_it_is_among_the_lost_events(
    stack: Stack, deployed: Deployed
) -> None:
    outputs = deployed.outputs()
    request = {"RequestType": "Delete"}  # Without a place to send the answer to.
    stack.client("lambda").invoke(
        FunctionName=outputs["SetUpFunction"],
        InvocationType="Event",
        Payload=json.dumps(request).encode(),
    )
    sqs, queue = stack.client("sqs"), outputs["LostEvents"]
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5).get("Messages", [])
        for message in found:
            body = json.loads(message["Body"])
            if body.get("requestPayload") == request:
                assert "Setup" in body["requestContext"]["functionArn"]
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                return
    raise AssertionError("no message came")
