"""`debpress snapshot`: keeps a generation as a suite of its own. IAM: see `operating`."""

from __future__ import annotations

import argparse

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import operating
from debpress.suite.operations import KEEP_DAYS, MOST_KEEP_DAYS, Snapshot


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Makes a generation readable as a suite of its own, and keeps all it names."
    )
    parser.add_argument("--suite", required=True, type=args.suite)
    parser.add_argument(
        "--generation",
        type=args.positive,
        help="its number, see debpress history (default: the published one)",
    )
    parser.add_argument(
        "--keep",
        type=args.positive,
        default=KEEP_DAYS,
        metavar="DAYS",
        help=f"for how long it stays (default: {KEEP_DAYS})",
    )
    operating.add_arguments(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    if arguments.keep > MOST_KEEP_DAYS:
        raise argparse.ArgumentError(None, f"--keep: at most {MOST_KEEP_DAYS} days")
    operation = Snapshot(arguments.generation, arguments.keep)
    return operating.on_suites(arguments, clock, operation)
