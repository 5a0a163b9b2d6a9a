"""Many small packages in one batch, and many batches at once."""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from debpress.layout import Batch

from benchmarks.additions import module
from benchmarks.s3_server import S3Server
from local import stack
from local.ci import Ci
from local.progress import step
from tests.support.latency import S3_SECONDS
from tests.support.press import debs
from tests.support.uploads import Uploads

PACKAGES, BATCHES = 100, 50


@dataclass(frozen=True, slots=True)
class Admitted:
    """Seconds of the admission of one batch, where each request takes 25 ms more: requests side by
    side as they are, and one after another; and side by side with no such delay."""

    side_by_side: float
    one_after_another: float
    with_no_delay: float

    @property
    def times_faster(self) -> float:
        return self.one_after_another / self.side_by_side


def many_packages(server: S3Server) -> Admitted:
    """Of a hundred small packages in one batch."""
    with step(f"{PACKAGES} small packages in one batch"):

        def seconds(delay: float, threads: int) -> float:
            # One of its own: what is in the pool already is admitted by other requests.
            bucket = server.make_bucket(f"admission-{delay:g}-{threads}")
            said = module(server, "benchmarks.admission", bucket, PACKAGES, delay, threads)
            return float(json.loads(said.splitlines()[-1])["seconds"])

        return Admitted(seconds(S3_SECONDS, 16), seconds(S3_SECONDS, 1), seconds(0, 16))


@dataclass(frozen=True, slots=True)
class Crowd:
    """Batches at once on the local stack: how many flips made them visible, seconds from the first
    manifest until all have a result, the same of one alone, and the calls of each function.

    `cold` are the seconds of as many batches at once before, for which the emulator had to start a
    process for each call that went on at the same time. AWS does that on machines of its own.
    """

    flips: int
    seconds: float
    cold: float
    alone: float
    calls: Mapping[str, int]
    while_waiting: int

    @property
    def times_one(self) -> float:
        return self.seconds / self.alone


def crowd() -> Crowd:
    """Of fifty batches of one package each. Raises LocalError."""
    with stack.up() as running:
        uploads = Uploads(running, Ci(running.outputs))

        def batch(name: str) -> Batch:
            made = Batch(running.outputs.suites[0], "main", name)
            return uploads.put(made, debs((name, "1", "amd64")))

        def seconds(batches: list[Batch]) -> tuple[float, list[int]]:
            begun = time.perf_counter()
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(uploads.send, batches))
            generations = [int(uploads.result(each)["generation"]) for each in batches]
            return time.perf_counter() - begun, generations

        with step("one batch alone, four times"):
            seconds([batch("warm")])  # The functions of the emulator start at the first.
            alone = statistics.median(seconds([batch(f"alone-{n}")])[0] for n in range(3))
        with step(f"{BATCHES} batches at once, and once more"):
            cold, _ = seconds([batch(f"first-{n:02}") for n in range(BATCHES)])
            before = _executions(running)
            took, generations = seconds([batch(f"crowd-{n:02}") for n in range(BATCHES)])
        calls, waiting = _calls(running, before)
        return Crowd(len(set(generations)), took, cold, alone, calls, waiting)


def _executions(running: stack.Stack) -> set[str]:
    states, machine = running.client("stepfunctions"), running.outputs.state_machine_arn
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine)
    return {each["executionArn"] for page in pages for each in page["executions"]}


def _calls(running: stack.Stack, before: set[str]) -> tuple[dict[str, int], int]:
    """The tasks that the executions since then entered, by state; and how many of these calls were
    made by executions between the call by which they wait and the answer that ends the wait."""
    states = running.client("stepfunctions")
    calls: Counter[str] = Counter()
    waiting = 0
    for arn in sorted(_executions(running) - before):
        pages = states.get_paginator("get_execution_history").paginate(executionArn=arn)
        name = ""
        for event in (event for page in pages for event in page["events"]):
            if event["type"] == "TaskStateEntered":
                waiting += name == "Queue"  # It was left without an event of its own.
                name = event["stateEnteredEventDetails"]["name"]
                calls[name] += 1
            elif event["type"] == "TaskStateExited":
                name = ""
    return dict(calls), waiting
