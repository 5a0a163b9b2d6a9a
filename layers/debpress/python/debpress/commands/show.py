"""`debpress show`: a package's fields, and the suites that publish it.

IAM: s3:GetObject on the root and on `state/`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import connection, text
from debpress.commands.repository import opened, readable
from debpress.errors import DebpressError
from debpress.index import entries, relations
from debpress.inspection import reading
from debpress.inspection.reading import ListedPackage


def add_arguments(parser: argparse.ArgumentParser) -> None:
    args.add_json(parser)
    connection.add_arguments(parser)
    parser.add_argument("package", type=args.package, metavar="PACKAGE[=VERSION]")
    parser.add_argument("--suite", type=args.readable, help="(default: every suite)")


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    archive, repository = opened(arguments, clock)
    wanted = relations.parse(arguments.package)
    found = [
        each
        for suite in readable(repository, arguments.suite)
        for each in reading.packages(archive, suite)
        if wanted.matches(each.identity)
    ]
    if not found:
        raise DebpressError(
            f"nothing that is {wanted} is published here; see debpress list '*{wanted.package}*'"
        )
    if arguments.json:
        text.print_json(
            [{**each.as_json(), "fields": entries.fields(each.entry.text)} for each in found]
        )
    else:
        _print(found)
    return 0


def _print(found: Sequence[ListedPackage]) -> None:
    """Prints every suite and component that has it, then the newest version's control fields."""
    text.print_table(
        (f"{e.suite}/{e.component}", *e.identity[1:], text.amount(e.as_json()["size"]))
        for e in found
    )
    newest = min(found, key=reading.newest_first)
    for name, value in entries.fields(newest.entry.text).items():
        lines = [text.printable(line) for line in value.split("\n")]
        print(f"{text.printable(name)}: " + "\n".join(lines))
