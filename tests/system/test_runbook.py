"""Commands of the runbook, typed. Those for a repair are in the tests of what they repair."""

from __future__ import annotations

import json
from pathlib import Path

from local.ci import Ci
from local.stack import Stack
from tests.support.documents import blocks, sh

PAGE = "docs/runbook.md"


def test_a_lost_event_is_looked_at_and_told_again_and_deleted(
    stack: Stack, ci: Ci, tmp_path: Path
) -> None:
    begin, *_ = blocks(PAGE)
    look, again = blocks(PAGE, "Lost events")
    sqs = stack.client("sqs")

    def typed(*scripts: str) -> str:
        # For queues this `aws` command takes AWS's own address, whatever AWS_ENDPOINT_URL says.
        here = f"aws --endpoint-url {stack.outputs.endpoint_url} sqs"
        script = "\n".join((begin, *scripts)).replace("aws sqs", here)
        done = sh(script, tmp_path, dict(ci.environment))
        assert done.returncode == 0, done.stderr
        return done.stdout

    named = typed('echo "$queue"').strip().rpartition("/")[2]
    # The emulator's template says another address of the queue than the queue has.
    url = f"{stack.outputs.endpoint_url}/000000000000/{named}"
    sqs.send_message(QueueUrl=url, MessageBody='{"suite": "stable"}')

    [message] = json.loads(typed(f"queue={url}", look))["Messages"]
    given = f"queue={url} body='{message['Body']}' receipt='{message['ReceiptHandle']}'"
    told = typed(f"{given} request='{{\"Records\": []}}'", again)

    assert "executionArn" in told
    gone = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert gone["ApproximateNumberOfMessages"] == "0"
    assert gone["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_a_function_s_log_is_read(stack: Stack, ci: Ci, tmp_path: Path) -> None:
    begin, *_ = blocks(PAGE)
    _, prune = blocks(PAGE, "No prune")
    [log] = blocks(PAGE, "Prune errors")
    done = sh("\n".join((begin, prune, log)), tmp_path, dict(ci.environment))
    assert done.returncode == 0, done.stderr
    assert "RequestId" in done.stdout.partition("StatusCode")[2]


def test_nothing_is_reaped_or_pruned_while_somebody_looks(
    stack: Stack, ci: Ci, tmp_path: Path
) -> None:
    stop, *_ = blocks(PAGE, "Somebody deleted the pool")
    functions = stack.client("lambda")
    done = sh(stop, tmp_path, dict(ci.environment))
    assert done.returncode == 0, done.stderr
    stopped = [
        each["FunctionName"]
        for page in functions.get_paginator("list_functions").paginate()
        for each in page["Functions"]
        if functions.get_function_concurrency(FunctionName=each["FunctionName"]).get(
            "ReservedConcurrentExecutions"
        )
        == 0
    ]
    for name in stopped:
        functions.delete_function_concurrency(FunctionName=name)
    assert sorted("Prune" in name or "Reap" in name for name in stopped) == [True, True]
