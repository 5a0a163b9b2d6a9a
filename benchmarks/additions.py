"""Ten packages more into a suite of many, in rounds, beside the peers: seconds, memory, bytes.

Each publish is in a process of its own (`benchmarks/engine.py`). What is compared takes turns, so
that what else the machine does slows both down.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.engine import Added, names
from benchmarks.peers import Gpg, Peer
from benchmarks.s3_server import S3Server
from local import paths
from local.errors import LocalError
from local.progress import say, step

_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Engine:
    """A suite of so many packages in a bucket of its own."""

    server: S3Server
    count: int

    @property
    def bucket(self) -> str:
        return f"suite-of-{self.count}"

    def fill(self) -> None:
        with step(f"a suite of {self.count:,} packages"):
            self._run("fill", self.bucket, self.count)

    def add(self, packages: int, how: Added, mark: str) -> Mapping[str, Any]:
        """Publishes so many more; returns `engine.Cost` as a mapping. Raises LocalError."""
        said = self._run("add", self.bucket, self.count, packages, how, mark)
        return dict(json.loads(said.splitlines()[-1]))

    def _run(self, *arguments: object) -> str:
        return module(self.server, "benchmarks.engine", *arguments)


def module(server: S3Server, name: str, *arguments: object) -> str:
    """Runs a module of this folder upon the server; returns its output. Raises LocalError."""
    done = subprocess.run(
        [sys.executable, "-m", name, *map(str, arguments)],
        env={**server.environment, "PYTHONPATH": ".:layers/debpress/python"},
        cwd=paths.ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=_SECONDS, check=False,
    )  # fmt: skip
    if done.returncode:
        raise LocalError(f"{name} {arguments} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Spent:
    """Of some rounds of one publish: each of `engine.Cost`."""

    rounds: Sequence[Mapping[str, Any]]

    @property
    def flip(self) -> float:
        """Seconds from the begin of merge to the flip, the median."""
        return statistics.median(float(each["flip"]) for each in self.rounds)

    @property
    def whole(self) -> float:
        """Seconds of all steps, the median."""
        return statistics.median(float(sum(r["seconds"].values())) for r in self.rounds)

    @property
    def cpu(self) -> float:
        """The processor's seconds of all steps, the median."""
        return statistics.median(float(sum(r["cpu"].values())) for r in self.rounds)

    @property
    def cpu_by_step(self) -> dict[str, float]:
        """The processor's seconds of each step, the median."""
        steps = self.rounds[0]["cpu"]
        return {
            name: statistics.median(each["cpu"][name] for each in self.rounds) for name in steps
        }

    @property
    def flip_cpu(self) -> float:
        """The processor's seconds of merge, sign and commit, the plain names included."""
        return sum(self.cpu_by_step[name] for name in ("merge", "sign", "commit"))

    @property
    def peak_mb(self) -> float:
        return max(float(each["peak_mb"]) for each in self.rounds)

    def as_json(self) -> dict[str, Any]:
        return {"rounds": list(self.rounds)}


def ten_more(engine: Engine, rounds: int) -> Spent:
    """Ten neighbours more, some times."""
    with step(f"ten packages more into {engine.count:,}, {rounds} times"):
        return Spent([engine.add(10, "together", f"r{number}n") for number in range(rounds)])


def beside(
    engine: Engine, given: Sequence[Peer], folder: Path, rounds: int
) -> tuple[Spent, dict[str, list[float]]]:
    """As `ten_more`, in turns with peers that have as many packages; and each peer's seconds."""
    taken: dict[str, list[float]] = {peer.name: [] for peer in given}
    spent = []
    with step(f"ten packages more into {engine.count:,}, {rounds} times, in turns"):
        for number in range(rounds):
            mark = f"r{number}n"
            spent.append(engine.add(10, "together", mark))
            more = peers.more(folder / mark, names(engine.count, 10, "together", mark))
            for peer in given:
                taken[peer.name].append(peer.add(more))
    for name, seconds in taken.items():
        say(f"    {name}: {', '.join(f'{each:.2f}' for each in seconds)} s")
    return Spent(spent), taken


def prepared(
    folder: Path, gpg: Gpg, server: S3Server, installed: Sequence[str], count: int
) -> list[Peer]:
    """Those of the peers that are installed, each with a suite of so many packages."""
    if not installed:
        return []
    with step(f"{count:,} packages, for the peers"):
        everything = peers.packages(folder / "packages", count)
    made: list[Peer] = []
    if "reprepro" in installed:
        made.append(peers.Reprepro(folder / "reprepro", gpg))
    if "apt-ftparchive" in installed:
        made.append(peers.AptFtparchive(folder / "apt-ftparchive", gpg))
    if "aptly" in installed:
        made.append(peers.Aptly(folder / "aptly", gpg, server, server.make_bucket("aptly")))
    for peer in made:
        with step(f"{peer.name} publishes them"):
            peer.fill(everything)
    return made
