"""What a publish waits for: each request to S3 and KMS, and when it could be made at the earliest.

In memory and in the emulator a request takes no time, so nobody sees how many of them follow each
other. Here every request takes one unit of a virtual clock; those that `side_by_side` makes at once
count once, sixteen at most at a time, as its threads do. Nothing sleeps, so counts are exact.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar, cast
from unittest import mock

from debpress import concurrency, config, signing
from debpress.codec import decode, encode
from debpress.keys import standing
from debpress.records.messages.commit import CommitInput
from debpress.records.messages.sign import SignInput
from debpress.signing import Signers
from debpress.signing.kms import KeyService, KmsKey
from debpress.steps import commit, sign
from debpress.steps.services import Services
from debpress.store import Head, Store

from tests.support.clock import FakeClock
from tests.support.fake_kms import FakeKms
from tests.support.press import Press, debs, ed25519_signers, keys
from tests.support.state_machine import Function

# Seconds. What S3 takes for a small object from a function in the same Region: AWS names 100 to
# 200 ms as usual for the first byte, and most measurements find 15 to 40 ms.
S3_SECONDS = 0.025

_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class Request:
    """`round` is how many requests had to be answered before this one could be made, and itself."""

    step: str
    kind: str
    key: str
    round: int


@dataclass
class Trace:
    """Requests in the order in which they are made. `round` is the virtual clock."""

    requests: list[Request] = field(default_factory=list)
    round: int = 0
    step: str = ""
    calls: Counter[str] = field(default_factory=Counter)

    def note(self, kind: str, key: str) -> None:
        self.round += 1
        self.requests.append(Request(self.step, kind, key, self.round))

    def of_s3(self) -> Counter[str]:
        """How many requests of each kind there were."""
        return Counter(each.kind for each in self.requests if each.kind != "kms")

    @property
    def rounds(self) -> int:
        """The round trips, one after another."""
        return max(r.round for r in self.requests)

    def side_by_side(self, call: Callable[[_T], _R], items: Iterable[_T]) -> list[_R]:
        """In place of the threads: each item begins when a thread is free."""
        waiting = list(items)
        free = [self.round] * min(concurrency.THREADS, len(waiting))
        results = []
        for item in waiting:
            self.round = heapq.heappop(free)
            results.append(call(item))
            heapq.heappush(free, self.round)
        self.round = max(free)
        return results

    @contextmanager
    def counting(self) -> Iterator[None]:
        with mock.patch.object(concurrency, "_in_threads", self.side_by_side):
            yield

    def table(self) -> str:
        """A line a request, for people."""
        return "\n".join(f"{r.round:>3}  {r.step:<7} {r.kind:<7} {r.key}" for r in self.requests)


# What a method of the store asks of S3, whatever it is called.
_KINDS = {"read": "get", "stream": "get", "put_file": "put", "now": "head"}


class TracedStore:
    """A `debpress.store.Store` that passes everything on, and counts it."""

    def __init__(self, store: Store, trace: Trace) -> None:
        self._store = store
        self._trace = trace

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def noted(first: Any, *args: Any, **more: Any) -> Any:
            key = args[0] if name == "copy" else getattr(first, "key", first)
            self._trace.note(_KINDS.get(name, name), key)
            return method(first, *args, **more)

        return noted

    def list(self, prefix: str) -> Iterator[Head]:
        """A request for each thousand keys."""
        self._trace.note("list", prefix)
        for number, head in enumerate(self._store.list(prefix)):
            if number and number % 1000 == 0:
                self._trace.note("list", prefix)
            yield head


@dataclass(frozen=True)
class _TracedKms:
    service: KeyService
    trace: Trace

    def public_key(self, key: str) -> KmsKey:
        self.trace.note("kms", "GetPublicKey")
        return self.service.public_key(key)

    def sign(self, key: str, message: bytes, message_type: str, algorithm: str) -> bytes:
        self.trace.note("kms", "Sign")
        return self.service.sign(key, message, message_type, algorithm)


class MeasuredPress(Press):
    """A press that notes every request of every step. Its keys are looked up in the bucket by each
    step, as the functions in lambdas/ do."""

    def __init__(self, **more: Any) -> None:
        clock = FakeClock()
        kms = FakeKms()
        self.trace = Trace()
        self._kms, self._key = kms, kms.create_key("ECC_NIST_EDWARDS25519")
        super().__init__(ed25519_signers(clock), clock, **more)
        self.signers = self._load(self.repository.signers)

    @property
    def services(self) -> Services:
        store = cast(Store, TracedStore(self.store, self.trace))
        return Services(store, self.repository, self.clock, self.measure, self.tell)

    def functions(self) -> dict[str, Function]:
        return {name: self._noted(name, each) for name, each in super().functions().items()}

    def measured(self, started: dict[str, Any]) -> Trace:
        """Runs a workflow to its end; returns what it asked of S3 and KMS."""
        self.trace = Trace()
        with self.trace.counting():
            self.publish(started)
        return self.trace

    def _noted(self, name: str, function: Function) -> Function:
        def call(payload: dict[str, Any]) -> Any:
            self.trace.step = name
            self.trace.calls[name] += 1
            return function(payload)

        return call

    def _load(self, uris: Sequence[str]) -> Signers:
        service = lambda region: _TracedKms(self._kms.service(region), self.trace)  # noqa: E731
        return signing.load(uris, keys(service, self._key, self.clock, archive=self.archive))

    def _sign(self, given: dict[str, Any]) -> dict[str, Any]:
        load = partial(standing.load, self.archive, self.repository.signers, self._load)
        return encode(sign.run(self.services, decode(SignInput, given), load))

    def _commit(self, given: dict[str, Any]) -> dict[str, Any]:
        demanded = partial(standing.standing, self.archive, self.repository.signers)
        return encode(commit.run(self.services, decode(CommitInput, given), demanded))


def one_package(press: MeasuredPress, beside: int = 1) -> Trace:
    """The publish of one package more into a suite that has some."""
    press.set_up()
    press.clock.sleep(60)
    before = press.upload("before", debs(*((f"p{n}", "1", "amd64") for n in range(beside))))
    press.publish(before)
    press.clock.sleep(60)
    return press.measured(press.upload("one", debs(("one", "1", "amd64"))))


def until_the_flip(trace: Trace) -> Trace:
    """The requests up to the put of InRelease, and that."""
    (flip,) = [
        number
        for number, each in enumerate(trace.requests)
        if each.kind == "put" and each.key.endswith("/InRelease")
    ]
    return Trace(trace.requests[: flip + 1])


def main() -> None:
    """Prints what a publish of one package asks for, step by step."""
    one = {"suites": [{"suite": "stable", "components": ["main"], "architectures": ["amd64"]}]}
    trace = one_package(MeasuredPress(repository=config.parse(one)))
    print(trace.table())
    s3, flip = trace.of_s3(), until_the_flip(trace)
    kinds = ", ".join(f"{count} {kind.upper()}" for kind, count in s3.most_common())
    print(
        f"{s3.total()} requests to S3 ({kinds}), {flip.of_s3().total()} of them until the flip; "
        f"{flip.rounds} round trips until the flip, {trace.rounds} in all: "
        f"{trace.rounds * S3_SECONDS:.2f} s where each takes {S3_SECONDS * 1000:.0f} ms"
    )
    print(f"functions called: {', '.join(trace.calls)}")


if __name__ == "__main__":
    main()
