"""`debpress suites`: every suite there is, and how many more of each pattern there may be; the end
of one.

IAM: s3:GetObject on the root and `state/`; to end one see `operating`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from debpress.clock import Clock, from_iso
from debpress.commands import arguments as args
from debpress.commands import operating, text
from debpress.commands.repository import opened
from debpress.inspection import suites
from debpress.inspection.suites import Room, Shown
from debpress.suite.operations import End


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Lists every suite: the configured ones, and those of patterns (pr-*) that came by being "
        "published to, with the time at which each of these ends. Or ends one of these now."
    )
    parser.add_argument(
        "--end",
        dest="suite",
        type=args.suite,
        metavar="SUITE",
        help="end this one of a pattern: within two hours hosts find it no more",
    )
    operating.add_arguments(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    if arguments.suite is not None:
        return operating.on_suites(arguments, clock, End())
    if arguments.dry_run or arguments.no_wait:
        raise argparse.ArgumentError(None, "--dry-run and --no-wait are for --end")
    archive, repository = opened(arguments, clock)
    found = list(suites.shown(archive, repository))
    rooms = suites.rooms(archive, repository)
    if arguments.json:
        patterns = [room.as_json() for room in rooms]
        text.print_json({"suites": [asdict(each) for each in found], "patterns": patterns})
    else:
        _print(found, rooms, clock.now())
    return 0


def _print(found: Sequence[Shown], rooms: Sequence[Room], now: datetime) -> None:
    text.print_table(
        (
            each.suite,
            text.count(each.packages, "package"),
            f"generation {each.generation}",
            f"InRelease of {each.modified} ({text.age(_seconds(each.modified, now))} ago)",
            _end(each.expires, now),
        )
        for each in found
    )
    for room in rooms:
        print(
            f"{room.pattern}: {room.suites} of at most {room.at_most}, each for {room.ttl_days} "
            "days after its last publish"
        )


def _end(expires: str | None, now: datetime) -> str:
    if expires is None:
        return ""
    left = -_seconds(expires, now)
    return f"ends at {expires} (in {text.age(left)})" if left > 0 else f"ended at {expires}"


def _seconds(since: str, now: datetime) -> float:
    return (now - from_iso(since)).total_seconds()
