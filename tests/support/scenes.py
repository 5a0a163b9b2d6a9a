"""Where faults play: a press with something published, uploads that wait to be, and a witness."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from debpress import config
from debpress.config import Repository
from debpress.suite.leading import PATIENCE

from tests.support.clock import FakeClock
from tests.support.faults import World, no_faults
from tests.support.memory_store import Snapshot
from tests.support.press import SUITES, Press, deb, event, quick_signers
from tests.support.state_machine import Execution
from tests.support.witness import Witness

# One index only: an interleaving has fewer calls, so more of them are tried.
SMALL = {"suites": [{"suite": "stable", "components": ["main"], "architectures": ["amd64"]}]}

# Suites that come and go.
PULLS = {
    "suite": "pr-*",
    "components": ["main", "extra"],
    "architectures": ["amd64"],
    "ttl_days": 3,
    "at_most": 2,
}

# What everybody finds published, and operators remove.
OLD = {f"old{n}_1_all.deb": deb(f"old{n}", "1") for n in range(3)}

# What makes room for other bytes of one of them.
WITHDRAW = (
    {"op": "remove", "packages": ["old0"]},
    {"op": "forget", "packages": ["old0 (= 1)"]},
)

signers = functools.cache(quick_signers)


@dataclass
class Scene:
    """`upload` and `operate` make events; `world` runs workflows under the witness's eyes."""

    press: Press
    removals: bool = False
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.witness = Witness(self.press, removals=self.removals)

    def upload(
        self, name: str, debs: Mapping[str, bytes], component: str = "main"
    ) -> dict[str, Any]:
        event = self.press.upload(name, debs, component=component)
        self.runs[name] = self.witness.expect(event, debs)
        self.events[name] = event
        return event

    def sums(self, name: str, debs: Mapping[str, bytes]) -> dict[str, Any]:
        """Another manifest in the place of `upload`'s, as sha256sum prints it; the run is noted as
        `name/sums`."""
        place = f"staging/stable/main/{name}/"
        for file, body in debs.items():
            self.press.store.put(place + file, body)
        listed = (f"{hashlib.sha256(body).hexdigest()}  {file}\n" for file, body in debs.items())
        head = self.press.store.put(f"{place}SHA256SUMS", "".join(listed).encode())
        started = event(head.key, head.etag, head.version_id)
        self.runs[f"{name}/sums"] = self.witness.expect(started, debs)
        return started

    def operate(self, name: str, *operations: Mapping[str, Any]) -> dict[str, Any]:
        self.events[name] = self.press.operate(name, *operations)
        self.runs[name] = self.witness.expect(self.events[name], {})
        return self.events[name]

    def world(self, **settings: Any) -> World:
        return World(self.press, wrote=self.witness.wrote, **settings)

    def heal(self, world: World) -> None:
        """Time goes by and others publish, nothing going wrong: whatever was left, they finish."""
        world.faults = no_faults
        for name in ("heal1", "heal2"):
            self.press.clock.advance(2 * 3600)
            event = self.upload(name, {f"{name}_1_all.deb": deb(name, "1")})
            assert world.publish({name: event}) == {name: "published"}
        self.witness.settled()

    def seen(self) -> set[str]:
        """The names of the packages that hosts see."""
        return {identity.package for _, identity in self.witness.flips[-1].seen}

    def status(self, name: str) -> str | None:
        return self.witness.said(self.runs[name])


@functools.cache
def _template(small: bool) -> tuple[Repository, Snapshot, float]:
    repository = config.parse(SMALL if small else SUITES)
    press = Press(signers(), repository=repository)
    press.set_up()
    press.clock.sleep(60)
    press.publish(press.upload("old", OLD))
    press.clock.sleep(600)
    start = FakeClock().now()
    return repository, press.store.snapshot(), (press.clock.now() - start).total_seconds()


def scene(small: bool = True, removals: bool = False) -> Scene:
    """With `OLD` published ten minutes ago."""
    repository, snapshot, seconds = _template(small)
    press = Press(signers(), repository=repository)
    press.store.restore(snapshot)
    press.clock.advance(seconds)
    return Scene(press, removals)


def fresh(name: str, version: str = "1", note: str = "") -> dict[str, bytes]:
    """Two packages, for all architectures and for one."""
    return {
        f"{name}_{version}_all.deb": deb(name, version, note=note),
        f"{name}-bin_{version}_amd64.deb": deb(f"{name}-bin", version, "amd64", note=note),
    }


def _rest(press: Press, begun: Execution) -> Any:
    return [*press.go_on(begun)][-1]


def queued(where: Scene, *names: str) -> dict[str, Callable[[Press], Any]]:
    """Takes workflows through to the queue, in this order, so long after each other that none waits
    for another to lead; returns what is left of them. Their merge finds that it has queued its
    batch before, as a second try does."""
    jobs: dict[str, Callable[[Press], Any]] = {}
    for name in names:
        begun = where.press.start(where.events[name])
        steps = where.press.go_on(begun)
        next(steps)
        for _ in begun.answer["chunks"]:
            next(steps)
        where.press.functions()["queue"]({"suite": "stable", "run": where.runs[name]})
        where.press.clock.advance(PATIENCE.total_seconds() + 1)
        jobs[name] = functools.partial(_rest, begun=begun)
    return jobs
