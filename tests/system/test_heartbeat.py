"""The heartbeat's start on the real stack; what it does in time is shown with clocks that move."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from debpress.index import release

from local.apt_root import AptRoot
from local.stack import Stack

SECONDS = 60.0


def test_a_beat_that_is_not_due_ends_well_and_signs_nothing(
    stack: Stack, host: Callable[..., AptRoot]
) -> None:
    outputs = stack.outputs
    s3, states = stack.client("s3"), stack.client("stepfunctions")
    key = f"{outputs.root}/dists/fresh/InRelease"

    def published() -> bytes:
        return bytes(s3.get_object(Bucket=outputs.bucket, Key=key)["Body"].read())

    before = published()
    (line,) = [each for each in before.splitlines() if each.startswith(b"Valid-Until: ")]
    parsed = release.parse(before.partition(b"\n\n")[2].partition(b"\n-----BEGIN")[0])
    assert line.endswith(b" UTC") and parsed.valid_until is not None
    assert (parsed.valid_until - parsed.date).days == 7
    started = states.start_execution(
        stateMachineArn=outputs.state_machine_arn,
        input=json.dumps({"suite": "fresh", "heartbeat": True}),
    )
    deadline = time.monotonic() + SECONDS
    while (status := _status(states, started["executionArn"])) == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert status == "SUCCEEDED"
    assert published() == before
    host("fresh").update().clean()


def _status(states: object, execution: str) -> str:
    return str(states.describe_execution(executionArn=execution)["status"])  # type: ignore[attr-defined]
