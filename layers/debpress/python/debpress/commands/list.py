"""`debpress list`: the packages of a suite.

IAM: s3:GetObject on the root and on `state/`.
"""

from __future__ import annotations

import argparse

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import connection, text
from debpress.commands.repository import opened, readable
from debpress.inspection import reading


def add_arguments(parser: argparse.ArgumentParser) -> None:
    args.add_json(parser)
    connection.add_arguments(parser)
    parser.add_argument("pattern", nargs="?", metavar="PATTERN", help="as a shell's: 'lib*-dev'")
    parser.add_argument("--suite", required=True, type=args.readable)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    archive, repository = opened(arguments, clock)
    (suite,) = readable(archive, repository, arguments.suite)
    found = reading.matching(reading.packages(archive, suite), arguments.pattern)
    if arguments.json:
        text.print_json([each.as_json() for each in found])
    else:
        sizes = (text.amount(each.as_json()["size"]) for each in found)
        text.print_table(
            (*each.identity, each.component, size) for each, size in zip(found, sizes, strict=True)
        )
    return 0
