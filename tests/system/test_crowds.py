"""Many at once, through the real workflow: CI jobs that do not trample each other, and hosts that
read all the while.

Where a merge takes its own batch alone, the flips are too many, which is seen here each time. What
is lost without commit's If-Match depends on the moment: tests/unit/test_guards.py chooses that.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from debpress.codec import encode
from debpress.layout import Batch

from local.apt_root import AptRoot
from local.ci import Ci
from local.stack import Stack
from tests.conftest import ARCHITECTURES
from tests.support import debs as odd
from tests.support.press import deb, debs
from tests.support.uploads import Uploads

Host = Callable[..., AptRoot]

MOST_FLIPS = 10
ROUNDS = 25  # in each of two suites
BIG = 300 * 10**6


@pytest.fixture(scope="module")
def uploads(stack: Stack, ci: Ci) -> Uploads:
    return Uploads(stack, ci)


def sums(files: Mapping[str, bytes]) -> set[str]:
    return {hashlib.sha256(body).hexdigest() for body in files.values()}


@pytest.mark.parametrize("count", [12, 50])
def test_batches_at_once_are_all_published_in_few_flips(
    count: int, uploads: Uploads, host: Host
) -> None:
    # Each with a package for all architectures, and every other one for this or that.
    crowd = {
        uploads.put(Batch("stable", "main", f"crowd-{count}-{n:02}"), files): files
        for n in range(count)
        for files in [
            debs(
                (f"crowd{count}-{n:02}", "1.0", "all"),
                (f"crowd{count}-{n:02}-bin", "1.0", ARCHITECTURES[n % 2]),
            )
        ]
    }
    before = uploads.generation("stable")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(uploads.send, crowd))
    results = {batch: uploads.result(batch) for batch in crowd}

    for batch, result in results.items():
        assert (result["status"], result["errors"]) == ("published", []), result
        assert result["batch"] == encode(batch)
        assert {p["action"] for p in result["packages"]} == {"added"}
        assert {p["sha256"] for p in result["packages"]} == sums(crowd[batch])
    flips = {result["generation"] for result in results.values()}
    assert flips == set(range(before + 1, uploads.generation("stable") + 1))
    assert len(flips) <= MOST_FLIPS
    for which, architecture in enumerate(ARCHITECTURES):
        reader = host(architecture=architecture)
        reader.update().clean()
        everything = [f"crowd{count}-{n:02}" for n in range(count)]
        everything += [f"crowd{count}-{n:02}-bin" for n in range(which, count, 2)]
        found = [name for name in reader.packages() if name.startswith(f"crowd{count}-")]
        assert found == sorted(everything)
        wanted = set().union(*(sums(files) for files in crowd.values()))
        fetched = reader.download(*everything)
        assert len(fetched) == len(everything)
        assert {hashlib.sha256(file.read_bytes()).hexdigest() for file in fetched} <= wanted


@contextmanager
def updating(readers: Mapping[AptRoot, str]) -> Iterator[dict[AptRoot, list[str]]]:
    """Hosts that update in a loop meanwhile; gives the newest version of its package that each saw
    after each update. Raises LocalError when an update had a warning."""
    over = threading.Event()
    seen: dict[AptRoot, list[str]] = {reader: [] for reader in readers}

    def loop(reader: AptRoot) -> None:
        while not over.is_set():
            reader.update().clean()
            seen[reader] += reader.versions(readers[reader])[:1]
            # Not all of the time on two processors is theirs.
            over.wait(0.2)

    with ThreadPoolExecutor(len(readers)) as pool:
        loops = [pool.submit(loop, reader) for reader in readers]
        try:
            yield seen
        finally:
            over.set()
        for each in loops:
            each.result()


def test_hosts_update_without_a_word_while_two_suites_are_published_to(
    uploads: Uploads, host: Host
) -> None:
    suites = ("stable", "testing")
    readers = {
        host(suite, architecture=architecture): f"loop-{suite}"
        for suite in suites
        for architecture in ARCHITECTURES
    }

    def releases(suite: str) -> list[dict[str, Any]]:
        """One after the other, as soon as CI is told."""
        return [
            uploads.publish(
                Batch(suite, "main", f"loop-{n}"), debs((f"loop-{suite}", f"1.{n}", "all"))
            )
            for n in range(ROUNDS)
        ]

    with updating(readers) as seen, ThreadPoolExecutor(len(suites)) as pool:
        done = dict(zip(suites, pool.map(releases, suites), strict=True))

    for suite, results in done.items():
        generations = [result["generation"] for result in results]
        assert generations == sorted(set(generations)), suite
    # Neither suite waits for the other: each is released to while the other one is.
    begun = max(results[0]["finished_at"] for results in done.values())
    assert all(begun < results[-1]["finished_at"] for results in done.values())
    for reader, versions in seen.items():
        numbers = [int(version.partition(".")[2]) for version in versions]
        assert len(set(numbers)) > 1, "it saw nothing of the releases going by"
        assert numbers == sorted(numbers), "it went back"
        reader.update().clean()
        newest, *older = reader.versions(readers[reader])
        assert (newest, len(older)) == (f"1.{ROUNDS - 1}", ROUNDS - 1)


def test_a_big_package_being_validated_does_not_delay_a_small_one(
    uploads: Uploads, host: Host
) -> None:
    data = odd.tar([("./usr/share/big", bytes(BIG))])
    body = odd.deb(odd.control(Package="slow-big"), data_form="", data=data)
    big = uploads.put(Batch("testing", "main", "slow-big"), {"slow-big_1.0_all.deb": body})
    del data, body
    small = uploads.put(Batch("testing", "main", "slow-small"), debs(("slow-small", "1.0", "all")))

    uploads.send(big)
    uploads.send(small)

    assert uploads.result(small)["status"] == "published"
    assert uploads.ci.result(big.suite, big.component, big.id) is None
    reader = host("testing")
    reader.update().clean()
    assert [name for name in reader.packages() if name.startswith("slow-")] == ["slow-small"]
    result = uploads.result(big)
    assert result["status"] == "published"
    reader.update().clean()
    [fetched] = reader.download("slow-big")
    assert fetched.stat().st_size == result["packages"][0]["size"] > BIG


def test_the_same_event_three_times_publishes_once(
    uploads: Uploads, host: Host, executions: Callable[[int], list[str]]
) -> None:
    states = uploads.stack.client("stepfunctions")
    machine = uploads.stack.outputs.state_machine_arn
    batch = uploads.put(Batch("testing", "main", "thrice"), {"thrice_1.0_all.deb": deb("thrice")})
    before = uploads.generation("testing")
    uploads.send(batch)
    delivered = first_input(states, machine, batch)
    for _ in range(2):
        states.start_execution(stateMachineArn=machine, input=delivered)

    result = uploads.result(batch)

    assert set(executions(3)) == {"SUCCEEDED"}
    assert uploads.ci.result(batch.suite, batch.component, batch.id) == result
    assert result["status"] == "published"
    assert [p["action"] for p in result["packages"]] == ["added"]
    assert uploads.generation("testing") == result["generation"] == before + 1
    reader = host("testing")
    reader.update().clean()
    assert reader.versions("thrice") == ["1.0"]


def first_input(states: Any, machine: str, batch: Batch) -> str:
    """What EventBridge gave the execution that it started for a batch."""
    for _ in range(600):
        for each in states.list_executions(stateMachineArn=machine)["executions"]:
            given: str = states.describe_execution(executionArn=each["executionArn"])["input"]
            if batch.staging in given:
                return given
        threading.Event().wait(0.05)
    raise AssertionError(f"no execution was started for {batch.staging}")
