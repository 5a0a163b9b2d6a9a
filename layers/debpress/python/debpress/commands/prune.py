"""`debpress prune`: removes old versions, as the daily schedule does. IAM: see `operating`."""

from __future__ import annotations

import argparse

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import operating
from debpress.suite.operations import Prune


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "Takes out what is older than the versions that the configuration keeps."
    parser.add_argument("--suite", type=args.suite, help="(default: every suite)")
    parser.add_argument(
        "--partial",
        action="store_true",
        help="where it is more than prune_share, take the oldest that the share allows",
    )
    operating.add_arguments(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    return operating.on_suites(arguments, clock, Prune(partial=arguments.partial))
