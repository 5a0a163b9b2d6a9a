"""`make bench`, or `python -m benchmarks`: all that a publish costs, beside the peers, in one run.

It starts an S3 server and the local stack, and installs aptly, reprepro and apt-utils where it may.
It prints the table of bars, writes it to docs/performance.md and `benchmarks/latest.json`, and
docs/cost.md; it ends with 1 where a *must* is missed or was not measured. `--quick` leaves out the
suite of 500,000 packages, which takes a quarter of an hour to make.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import (
    additions,
    batches,
    bill,
    cost,
    counts,
    hosts,
    peers,
    report,
    s3_server,
    steps,
)
from benchmarks.additions import Engine, Spent
from benchmarks.bars import Figures
from benchmarks.s3_server import S3Server
from benchmarks.synthetic import BOOKWORM, LARGE
from local import paths
from local.errors import LocalError
from local.processes import Terminated, ended_by_signals
from local.progress import complain, say, step

SMALL = 10_000
_MB = 10**6


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without 500,000 packages")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    try:
        with ended_by_signals():
            return _run(arguments.rounds, quick=arguments.quick)
    except (KeyboardInterrupt, Terminated):
        say("Stopped; everything it started is gone.")
        return 130
    except LocalError as error:
        complain(str(error))
        return 1


def _run(rounds: int, *, quick: bool) -> int:
    begun = report.machine()
    figures, details = Figures(), dict[str, Any]()
    paths.RUNS.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=paths.RUNS, prefix="bench-") as folder,
        s3_server.running() as server,
    ):
        place = Path(folder)
        small = _small(figures, details, server, place, rounds)
        _bookworm(figures, details, server, place, rounds)
        _batch(figures, details, server)
        if quick:
            complain("NOT MEASURED: 500,000 packages, which --quick leaves out")
        else:
            _large(figures, details, server, min(rounds, 3))
    _counted(figures, details)
    _crowd(figures, details)
    _month(figures, details, small)
    return _tell(figures, begun, details)


def _small(
    figures: Figures, details: dict[str, Any], server: S3Server, place: Path, rounds: int
) -> Spent:
    """Beside the peers, whose processes end here."""
    engine = Engine(server, SMALL)
    engine.fill()
    installed = peers.installed()
    if not installed:
        spent, taken = additions.ten_more(engine, rounds), dict[str, list[float]]()
    else:
        with peers.key() as gpg:
            given = additions.prepared(place, gpg, server, installed, SMALL)
            spent, taken = additions.beside(engine, given, place / "more", rounds)
    medians = {name: statistics.median(seconds) for name, seconds in taken.items()}
    figures.measured["small"] = spent.flip
    if "reprepro" in medians:
        figures.aims["small"] = round(medians["reprepro"], 2)
    else:
        complain("NOT MEASURED: the aim of 10,000 packages, which is reprepro's seconds")
    figures.beside["small"] = ", ".join(
        (f"processor {spent.flip_cpu:.2f} s", *(f"{n} {s:.2f} s" for n, s in medians.items()))
    )
    details["small"] = {**spent.as_json(), "peers": taken}
    return spent


def _bookworm(
    figures: Figures, details: dict[str, Any], server: S3Server, place: Path, rounds: int
) -> None:
    engine = Engine(server, BOOKWORM)
    engine.fill()
    spent = additions.ten_more(engine, rounds)
    figures.measured |= {"bookworm": spent.whole, "bookworm-memory": spent.peak_mb}
    figures.beside["bookworm"] = f"processor {spent.cpu:.2f} s"
    one = engine.add(1, "together", "one")
    figures.measured["bytes-put"] = sum(one["bytes_put"].values()) / _MB
    download = hosts.download(engine, place)
    figures.measured["download"] = download.after / 1000
    figures.beside["download"] = f"all of it: {download.at_first / _MB:.1f} MB"
    details["bookworm"] = {**spent.as_json(), "one": one, "download": asdict(download)}


def _large(figures: Figures, details: dict[str, Any], server: S3Server, rounds: int) -> None:
    engine = Engine(server, LARGE)
    engine.fill()
    spent = additions.ten_more(engine, rounds)
    figures.measured |= {"large": spent.whole, "large-memory": spent.peak_mb}
    figures.beside["large"] = f"processor {spent.cpu:.2f} s"
    details["large"] = spent.as_json()


def _batch(figures: Figures, details: dict[str, Any], server: S3Server) -> None:
    admitted = batches.many_packages(server)
    figures.measured["batch"] = admitted.times_faster
    found = counts.admitted(batches.PACKAGES)
    figures.beside["batch"] = (
        f"{admitted.side_by_side:.1f} and {admitted.one_after_another:.1f} s at 25 ms a request; "
        f"{found.requests} requests, {found.rounds} round trips"
    )
    details["batch"] = {**asdict(admitted), **asdict(found)}


def _counted(figures: Figures, details: dict[str, Any]) -> None:
    with step("requests and round trips of one package, bytes of a large one"):
        one, read = counts.one(), counts.bytes_of_a_large_package()
    figures.measured |= {
        "requests": one.until_the_flip,
        "rounds": one.rounds_until_the_flip,
        "lambda-bytes": read / _MB,
    }
    figures.beside["requests"] = f"{one.in_all} in all, with plain names and the result"
    figures.beside["rounds"] = f"{one.rounds} in all"
    details["requests"] = asdict(one)


def _crowd(figures: Figures, details: dict[str, Any]) -> None:
    found = batches.crowd()
    figures.measured |= {
        "crowd": found.seconds,
        "crowd-flips": found.flips,
        "waiting": found.while_waiting / batches.BATCHES / found.seconds,
    }
    figures.aims["crowd"] = round(5 * found.alone, 1)
    figures.beside["crowd"] = (
        f"one alone {found.alone:.2f} s, so {found.times_one:.1f} times one; "
        f"{found.cold:.1f} s where each function had to be started first"
    )
    figures.beside["waiting"] = f"{sum(found.calls.values())} calls in all"
    details["crowd"] = asdict(found)


def _month(figures: Figures, details: dict[str, Any], small: Spent) -> None:
    with step("what each step asks for, and how long a function takes to begin"):
        details["cost"] = steps.measured(small.cpu_by_step)
    month = bill.of(details["cost"])
    figures.measured["month"] = month.dollars
    figures.beside["month"] = bill.beside(month)


def _tell(figures: Figures, begun: Mapping[str, Any], details: Mapping[str, Any]) -> int:
    latest = report.as_json(figures, begun, details)
    report.write(latest)
    cost.main()
    say(f"\n{report.table(latest)}\n")
    for work in figures.failed:
        complain(f"missed, or not measured: {work}")
    return 1 if figures.failed else 0


if __name__ == "__main__":
    sys.exit(main())
