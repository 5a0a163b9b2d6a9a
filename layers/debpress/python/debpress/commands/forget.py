"""`debpress forget`: versions that are gone may come again with other bytes. IAM: see `operating`,
and for `--dry-run` s3:GetObject on `state/`."""

from __future__ import annotations

import argparse

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import operating
from debpress.index import relations
from debpress.suite.operations import Forget


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Gives versions free that were published and taken out, so that they may be published "
        "again with other bytes. Hosts that have such a version never notice the new bytes, and "
        "one that is about to fetch it fails: give the build a new version instead, if you can."
    )
    parser.add_argument(
        "packages",
        nargs="+",
        type=_exact,
        metavar="PACKAGE=VERSION",
        help="exactly the version that is to be forgotten",
    )
    parser.add_argument("--suite", required=True, type=args.suite)
    operating.add_arguments(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    return operating.on_suites(arguments, clock, Forget(tuple(arguments.packages)))


def _exact(value: str) -> str:
    relation = args.package(value)
    if relations.parse(relation).operator != "=":
        raise argparse.ArgumentTypeError(f"{value!r} is no exact version, as foo=1.2 is")
    return relation
