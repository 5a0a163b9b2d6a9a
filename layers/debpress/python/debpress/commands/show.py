"""`debpress show`: a package's fields, and the suites that publish it.

IAM: s3:GetObject on the root and on `state/`; s3:ListBucket where a suite has a provenance policy.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import connection, text
from debpress.commands.repository import opened, readable
from debpress.errors import DebpressError
from debpress.index import entries, relations
from debpress.inspection import provenance, reading
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
    # Nothing is kept, and nothing asked for, where no suite has a policy.
    proven = any(suite.provenance for suite in repository.suites)
    if arguments.json:
        text.print_json(
            [
                {
                    **each.as_json(),
                    "fields": entries.fields(each.entry.text),
                    **({"provenance": provenance.told(archive, each)} if proven else {}),
                }
                for each in found
            ]
        )
    else:
        newest = min(found, key=reading.newest_first)
        _print(found, newest, provenance.told(archive, newest) if proven else [])
    return 0


def _print(
    found: Sequence[ListedPackage],
    newest: ListedPackage,
    proofs: Sequence[Mapping[str, str]],
) -> None:
    """Prints every suite and component that has it, then the newest version's control fields, and
    where that was built."""
    text.print_table(
        (f"{e.suite}/{e.component}", *e.identity[1:], text.amount(e.as_json()["size"]))
        for e in found
    )
    for name, value in entries.fields(newest.entry.text).items():
        lines = [text.printable(line) for line in value.split("\n")]
        print(f"{text.printable(name)}: " + "\n".join(lines))
    for proof in proofs:
        said = "{repository} {workflow} at {ref}, {commit}, {run}".format(**proof)
        print(text.printable(f"built by: {said} ({proof['bundle']})"))
