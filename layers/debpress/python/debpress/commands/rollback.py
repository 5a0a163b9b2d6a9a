"""`debpress rollback`: publishes an earlier generation's content again. IAM: see `operating`."""

from __future__ import annotations

import argparse

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import operating
from debpress.suite.operations import Rollback


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Publishes the content of an earlier generation again, newly dated and signed."
    )
    parser.add_argument("--suite", required=True, type=args.suite)
    parser.add_argument(
        "--to",
        required=True,
        type=args.positive,
        metavar="GENERATION",
        help="its number, see debpress history",
    )
    operating.add_arguments(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    return operating.on_suites(arguments, clock, Rollback(arguments.to))
