"""`debpress remove`: removes packages from a component of a suite. IAM: see `operating`."""

from __future__ import annotations

import argparse

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import operating
from debpress.suite.operations import Remove


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "Takes packages out of a component of a suite, all of them in one flip."
    parser.add_argument(
        "packages",
        nargs="+",
        type=args.relation,
        metavar="PACKAGE",
        help="a name, or a name and versions as in 'foo (<< 2.0)'",
    )
    parser.add_argument("--suite", required=True, type=args.suite)
    parser.add_argument("--component", default="main", type=args.component)
    add_options(parser)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--arch",
        type=args.architecture,
        help="only of this architecture, which may be 'all', or variant, as amd64v3",
    )
    parser.add_argument(
        "--force", action="store_true", help="though something that stays needs them exactly"
    )
    operating.add_arguments(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    operation = Remove(tuple(arguments.packages), arguments.arch, arguments.force)
    return operating.in_component(arguments, clock, operation)
