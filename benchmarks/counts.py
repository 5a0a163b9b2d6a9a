"""What can be counted, and is the same on every machine: requests, round trips, bytes read."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from debpress import config

from tests.support import large
from tests.support.latency import MeasuredPress, Trace, one_package, until_the_flip
from tests.support.press import Press, debs, quick_signers

ONE_OF_EACH = {"suites": [{"suite": "stable", "components": ["main"], "architectures": ["amd64"]}]}
LARGE = 250 * 10**6


@dataclass(frozen=True, slots=True)
class Requests:
    """Of one publish of one package: requests to S3, and round trips one after another."""

    in_all: int
    until_the_flip: int
    rounds: int
    rounds_until_the_flip: int
    by_step: Mapping[str, Mapping[str, int]]


def one() -> Requests:
    """Of one package into a suite of one component and one architecture."""
    trace = one_package(MeasuredPress(repository=config.parse(ONE_OF_EACH)))
    flip = until_the_flip(trace)
    return Requests(
        trace.of_s3().total(), flip.of_s3().total(), trace.rounds, flip.rounds, by_step(trace)
    )


def by_step(trace: Trace) -> dict[str, dict[str, int]]:
    """Requests to S3 by step and method."""
    found: dict[str, Counter[str]] = {}
    for each in trace.requests:
        if each.kind != "kms":
            found.setdefault(each.step, Counter())[each.kind] += 1
    return {step: dict(kinds) for step, kinds in found.items()}


@dataclass(frozen=True, slots=True)
class Admission:
    """Of one batch: calls of the function, requests and round trips one after another in them."""

    calls: int
    requests: int
    rounds: int


def admitted(count: int) -> Admission:
    """Of a batch of so many small packages."""
    press = MeasuredPress(repository=config.parse(ONE_OF_EACH))
    press.set_up()
    press.clock.sleep(60)
    trace = press.measured(
        press.upload("many", debs(*((f"p{n}", "1", "amd64") for n in range(count))))
    )
    mine = [each for each in trace.requests if each.step == "admit"]
    begun = max(each.round for each in trace.requests if each.step == "open")
    return Admission(trace.calls["admit"], len(mine), max(each.round for each in mine) - begun)


def bytes_of_a_large_package() -> int:
    """How many bytes of a package of 250 MB, uploaded in parts, the functions read, where S3 gives
    the sum of the whole with a copy."""
    press = Press(quick_signers())
    press.set_up()
    press.clock.sleep(60)
    with tempfile.TemporaryDirectory() as folder, large.package(Path(folder), LARGE) as body:
        started = large.upload(press, {"foo": body})
        press.store.bytes_read = 0
        status = press.publish(started)
        assert status == "published", status
        read = press.store.bytes_read
        # The store in memory would keep the file open.
        press.store.restore(type(press.store)(press.clock).snapshot())
    return read
