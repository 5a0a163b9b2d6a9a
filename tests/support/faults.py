"""Things that go wrong, on purpose and repeatably: a store that fails, workers that die, time that
jumps, and publishers that take turns at every single call to the store.

A `World` runs workflows on one press in memory. Each is a thread, and exactly one of them runs at
any moment: at each call to the store, and at each sleep, a `Turns` says who goes on. With the same
seeds everything happens again in the same order. Time passes only here, a little at each call.
"""

from __future__ import annotations

import copy
import random
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from typing import Any, Protocol, TypeVar
from unittest.mock import patch

from debpress import concurrency
from debpress.errors import TransientError
from debpress.store import (
    Copied,
    File,
    Head,
    Immutable,
    Object,
    ObjectHeaders,
    Pin,
    PreconditionFailed,
)

from tests.support.memory_store import MemoryStore
from tests.support.press import Broken, Press

_T = TypeVar("_T")
_R = TypeVar("_R")


class Killed(BaseException):
    """The process ends here. Nothing may catch it but the state machine."""


class Stopped(BaseException):
    """The test is over for this worker, because another one failed."""


class Stuck(AssertionError):  # noqa: N818 (what a test fails with)
    """The workers did not come to an end."""


class Fault(Enum):
    """What happens to a call. The LOST ones concern conditional puts alone: a 409 of S3 for a put
    that did nothing, and the 412 of an SDK's own second try whose first had done it."""

    KILL_BEFORE = "killed before the call"
    KILL_AFTER = "killed after the call"
    ERROR_BEFORE = "503, nothing done"
    ERROR_AFTER = "timed out, but done"
    LOST_BEFORE = "409, nothing done"
    LOST_AFTER = "412, but done"


_AFTER = (Fault.KILL_AFTER, Fault.ERROR_AFTER, Fault.LOST_AFTER)


@dataclass(frozen=True, slots=True)
class Call:
    """One call to the store, about to happen."""

    worker: str
    operation: str
    key: str
    conditional: bool = False

    @property
    def writes(self) -> bool:
        return self.operation in ("put", "copy", "delete")


# Faults: which call goes wrong, and how


class Faults(Protocol):
    def __call__(self, call: Call, /) -> Fault | None:
        """What goes wrong with this call, if anything."""


def no_faults(_call: Call) -> Fault | None:
    return None


@dataclass
class At:
    """The k-th call of a worker (writes alone, unless `reads`) goes wrong, once; 1 is the first."""

    k: int
    fault: Fault
    worker: str | None = None
    reads: bool = False
    seen: int = 0
    struck: Call | None = None

    def __call__(self, call: Call) -> Fault | None:
        if self.worker not in (None, call.worker) or not (call.writes or self.reads):
            return None
        self.seen += 1
        if self.seen != self.k:
            return None
        self.struck = call
        return self.fault


@dataclass
class Misfortune:
    """Each call goes wrong with a probability, in any of the ways that it can."""

    chance: random.Random
    rate: float
    count: int = 0

    def __call__(self, call: Call) -> Fault | None:
        if self.chance.random() >= self.rate:
            return None
        self.count += 1
        ways = [Fault.KILL_BEFORE, Fault.ERROR_BEFORE]
        if call.writes:
            ways += [Fault.KILL_AFTER, Fault.ERROR_AFTER]
        if call.conditional:
            ways += [Fault.LOST_BEFORE, Fault.LOST_AFTER]
        return self.chance.choice(ways)


# Turns: who goes on


class Turns(Protocol):
    def __call__(self, me: str, alive: list[str], awake: list[str]) -> str:
        """One of `alive`. Choosing a sleeper lets the time pass until it wakes, as when the
        others' machines are paused so long. `me` may have ended."""


@dataclass
class Random:
    """Stays with a worker for a while or changes at each call, as `stay` says."""

    chance: random.Random
    stay: float = 0.0
    stall: float = 0.01

    def __call__(self, me: str, alive: list[str], awake: list[str]) -> str:
        if not awake or self.chance.random() < self.stall:
            return self.chance.choice(alive)
        if me in awake and self.chance.random() < self.stay:
            return me
        return self.chance.choice(awake)


@dataclass
class Script:
    """`[("a", 3), ("b", 7)]`: three calls of a, seven of b, then a to its end, then b."""

    turns: list[tuple[str, int]]
    _at: int = 0
    _done: int = 0

    def __call__(self, me: str, alive: list[str], awake: list[str]) -> str:
        while self._at < len(self.turns):
            name, calls = self.turns[self._at]
            if name in alive and self._done < calls:
                self._done += 1
                return name
            self._at, self._done = self._at + 1, 0
        order = dict.fromkeys([*(name for name, _ in self.turns), *alive])
        return next(name for name in order if name in alive)

    def is_over(self) -> bool:
        return self._at == len(self.turns)


@dataclass
class Fairly:
    """As the script says, as far as it goes; then whoever is awake, the first of them as listed.
    Nobody is paused for long, so who waits for another does not wait for the script."""

    script: Script

    def __call__(self, me: str, alive: list[str], awake: list[str]) -> str:
        chosen = self.script(me, alive, awake)
        if self.script.is_over():
            return next((name for name in alive if name in awake), chosen)
        return chosen


# The world


@dataclass
class Clock:
    """A function's clock, `skew` seconds off the store's. Sleeping lets others go on."""

    world: World
    worker: str
    skew: float = 0.0

    def now(self) -> datetime:
        return self.world.press.clock.now() + timedelta(seconds=self.skew)

    def sleep(self, seconds: float) -> None:
        self.world.pause(self.worker, seconds)


@dataclass
class World:
    """`tries` is how often a step is tried, `tick` how many seconds a call takes at most.

    `surprises` lists the errors of steps that were neither injected nor an honest "try again":
    unless a test expects them, there may be none. `broken` counts the steps that failed for good.
    """

    press: Press
    turns: Turns = field(default_factory=lambda: Script([]))
    faults: Faults = no_faults
    seed: int = 0
    tries: int = 5
    tick: float = 0.04
    skew: Mapping[str, float] = field(default_factory=dict)
    wrote: Callable[[Call], None] = lambda _call: None
    surprises: list[BaseException] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    broken: int = 0
    elapsed: float = 0.0
    _gates: dict[str, threading.Semaphore] = field(default_factory=dict)
    _wakes: dict[str, float] = field(default_factory=dict)
    _failure: BaseException | None = None
    _over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def run(
        self, jobs: Mapping[str, Callable[[Press], Any]], deadline: float = 60
    ) -> dict[str, Any]:
        """Runs the jobs, each given a press of its own upon the shared store, until all have ended.

        Returns what they returned: None for one whose execution could not even say that it failed.
        Raises what any of them raised otherwise, or Stuck.
        """
        results: dict[str, Any] = {}
        self._gates = {name: threading.Semaphore(0) for name in jobs}
        self._wakes = dict.fromkeys(jobs, 0.0)
        self._failure, self._over = None, threading.Event()

        def work(name: str, job: Callable[[Press], Any]) -> None:
            self._gates[name].acquire()
            try:
                if self._failure is None:
                    results[name] = job(self.worker(name))
            except Broken:
                results[name] = None
            except Stopped:
                pass
            except BaseException as error:  # whatever it is, the test is to see it
                self._failure = self._failure or error
            del self._gates[name]
            self._hand_over(name)

        threads = [threading.Thread(target=work, args=job, daemon=True) for job in jobs.items()]
        with _one_by_one(self.chance):
            for thread in threads:
                thread.start()
            self._hand_over("")
            if not self._over.wait(deadline):
                self._failure = Stuck(f"after {deadline} s these go on: {sorted(self._gates)}")
                for gate in list(self._gates.values()):
                    gate.release()
            for thread in threads:
                thread.join(10)
        if self._failure is not None:
            raise self._failure
        return results

    def publish(self, events: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Runs a workflow for each event; returns the statuses by name."""
        return self.run({n: partial(Press.publish, started=e) for n, e in events.items()})

    def worker(self, name: str) -> Press:
        """A press of the worker's own: its calls go through here, its steps are retried."""
        press = copy.copy(self.press)
        press.store = Wire(self, name)  # type: ignore[assignment]
        press.clock = Clock(self, name, self.skew.get(name, 0.0))  # type: ignore[assignment]
        press.attempt = lambda step: self._attempt(name, step)
        press.executions = 1000 * (1 + sorted({*self._gates, name}).index(name))
        return press

    def _attempt(self, name: str, step: Callable[[], _T]) -> _T:
        """What `Retry: States.ALL` does, with backoff and full jitter."""
        problem: BaseException | None = None
        for number in range(self.tries):
            if number:
                self.pause(name, self.chance.uniform(0, 2**number))
            try:
                return step()
            except (Stopped, AssertionError):
                raise
            except (Killed, Exception) as error:
                if not isinstance(error, Killed | TransientError):
                    self.surprises.append(error)
                problem = error
        self.broken += 1
        raise Broken(type(problem).__name__, str(problem)) from problem

    def call(self, call: Call, act: Callable[[], _T]) -> _T:
        """One call to the store: others may come first, and it may go wrong."""
        self.pause(call.worker)
        self.calls.append(call)
        fault = self.faults(call)
        if fault is not None and fault not in _AFTER:
            _raise(fault, call)
        result = act()
        if call.writes:
            self.wrote(call)
        if fault is not None:
            _raise(fault, call)
        return result

    def pause(self, me: str, seconds: float = 0.0) -> None:
        """Lets somebody go on, until it is this worker's turn again, `seconds` later at least."""
        self._pass(self.chance.uniform(0, self.tick))
        if me not in self._gates:
            self._pass(seconds)
            return
        self._wakes[me] = self.elapsed + seconds
        gate = self._gates[me]
        self._hand_over(me)
        gate.acquire()
        if self._failure is not None:
            raise Stopped

    def _hand_over(self, me: str) -> None:
        alive = list(self._gates)
        if self._failure is not None:
            for gate in list(self._gates.values()):
                gate.release()
        if not alive:
            self._over.set()
        elif self._failure is None:
            awake = [name for name in alive if self._wakes[name] <= self.elapsed]
            chosen = self.turns(me, alive, awake)
            self._pass(max(0.0, self._wakes[chosen] - self.elapsed))
            self._gates[chosen].release()

    def _pass(self, seconds: float) -> None:
        self.elapsed += seconds
        self.press.clock.advance(seconds)


def _raise(fault: Fault, call: Call) -> None:
    if fault in (Fault.KILL_BEFORE, Fault.KILL_AFTER):
        raise Killed(f"{fault.value}: {call}")
    if fault in (Fault.LOST_BEFORE, Fault.LOST_AFTER) and call.conditional:
        raise PreconditionFailed(call.key)
    raise TransientError(f"{fault.value}: {call}")


@contextmanager
def _one_by_one(chance: random.Random) -> Iterator[None]:
    """The calls that a step makes side by side come one by one, in any order: threads within a
    step would run at the same time, and no two runs would be alike."""

    def in_any_order(call: Callable[[_T], _R], items: Iterable[_T]) -> list[_R]:
        listed = list(items)
        results: dict[int, _R] = {}
        for index in chance.sample(range(len(listed)), len(listed)):
            results[index] = call(listed[index])
        return [results[index] for index in range(len(listed))]

    with patch.object(concurrency, "_in_threads", in_any_order):
        yield


class Wire:
    """A `debpress.store.Store`: the world's, as one worker has it."""

    def __init__(self, world: World, worker: str) -> None:
        self._world = world
        self._worker = worker
        self._store: MemoryStore = world.press.store

    def head(self, key: str) -> Head | None:
        return self._do("head", key, lambda: self._store.head(key))

    def get(
        self, key: str, version_id: str | None = None, *, if_match: str | None = None
    ) -> Object | None:
        return self._do("get", key, lambda: self._store.get(key, version_id, if_match=if_match))

    def read(self, key: str) -> tuple[Head, Iterator[bytes]] | None:
        return self._do("get", key, lambda: self._store.read(key))

    def stream(self, pin: Pin, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        yield from self._do("stream", pin.key, lambda: list(self._store.stream(pin, start, length)))

    def put(
        self,
        key: str,
        body: bytes,
        headers: ObjectHeaders = ObjectHeaders(),  # noqa: B008 (frozen)
        *,
        if_match: str | None = None,
        if_absent: bool = False,
    ) -> Head:
        return self._do(
            "put",
            key,
            lambda: self._store.put(key, body, headers, if_match=if_match, if_absent=if_absent),
            conditional=if_absent or if_match is not None,
        )

    def put_file(self, key: str, file: File, headers: ObjectHeaders = ObjectHeaders()) -> None:  # noqa: B008
        self._do("put", key, lambda: self._store.put_file(key, file, headers))

    def copy(
        self,
        source: Pin | Immutable,
        key: str,
        headers: ObjectHeaders = ObjectHeaders(),  # noqa: B008 (frozen)
        *,
        if_absent: bool = False,
    ) -> Copied:
        return self._do(
            "copy",
            key,
            lambda: self._store.copy(source, key, headers, if_absent=if_absent),
            conditional=if_absent,
        )

    def delete(
        self, key: str, version_id: str | None = None, *, if_match: str | None = None
    ) -> None:
        self._do(
            "delete",
            key,
            lambda: self._store.delete(key, version_id, if_match=if_match),
            conditional=if_match is not None,
        )

    def now(self, key: str) -> datetime:
        return self._do("head", key, lambda: self._store.now(key))

    def body(self, key: str) -> bytes:
        """A look of the test's own: nobody's turn, and nothing goes wrong with it."""
        return self._store.body(key)

    def list(self, prefix: str) -> Iterator[Head]:
        yield from self._do("list", prefix, lambda: [*self._store.list(prefix)])

    def _do(
        self, operation: str, key: str, act: Callable[[], _T], *, conditional: bool = False
    ) -> _T:
        return self._world.call(Call(self._worker, operation, key, conditional), act)
