"""`debpress show`: a package's fields, and the suites that publish it.

IAM: s3:GetObject on the root and on `state/`; s3:ListBucket where a suite has a provenance policy.
Where there are uploaders or a policy, the generations are read back to the one that brought it.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import connection, text
from debpress.commands.repository import opened, readable
from debpress.errors import DebpressError
from debpress.index import entries, relations
from debpress.inspection import provenance, reading
from debpress.inspection.history import Change, HistoryEntry, arrival
from debpress.inspection.reading import ListedPackage

if TYPE_CHECKING:
    from debpress.archive import Archive


# How far back is looked for who published a version; each generation is read after its successor.
_MOST_FLIPS = 100


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
        for suite in readable(archive, repository, arguments.suite)
        for each in reading.packages(archive, suite)
        if wanted.matches(each.identity)
    ]
    if not found:
        raise DebpressError(
            f"nothing that is {wanted} is published here; see debpress list '*{wanted.package}*'"
        )
    # Nothing is kept, and nothing asked for, where no suite has a policy.
    proven = repository.verifies
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
        _print(found, newest)
        if proven or repository.uploaders:
            _print_origin(archive, newest, provenance.told(archive, newest) if proven else [])
    return 0


def _print(found: Sequence[ListedPackage], newest: ListedPackage) -> None:
    """Prints every suite and component that has it, then the newest version's control fields."""
    text.print_table(
        (f"{e.suite}/{e.component}", *e.identity[1:], text.amount(e.as_json()["size"]))
        for e in found
    )
    for name, value in entries.fields(newest.entry.text).items():
        lines = [text.printable(line) for line in value.split("\n")]
        print(f"{text.printable(name)}: " + "\n".join(lines))


def _print_origin(
    archive: Archive, package: ListedPackage, proofs: Sequence[Mapping[str, str]]
) -> None:
    """Prints who published it, and where it was built; `proofs` are those that are kept."""
    came = arrival(archive, package, _MOST_FLIPS)
    print(text.printable(f"published: {_arrived(package, came)}"))
    for proof in proofs:
        print(text.printable(f"origin: {text.verified(proof)}"))
        print(text.printable(f"proof: {proof['bundle']}"))
    if came and not proofs and (origin := text.origin(None, came[1].vouched_by)):
        print(text.printable(f"origin: {origin}"))


def _arrived(package: ListedPackage, came: tuple[HistoryEntry, Change] | None) -> str:
    if came is None:
        name, suite = package.identity.package, package.suite
        return (
            f"more than {_MOST_FLIPS} releases ago, or the records are gone: see "
            f"debpress history --suite {suite} --package {name}"
        )
    flip, change = came
    by = f" by {change.uploader}" if change.uploader else ""
    how = f", {flip.cause} {change.batch}" if change.batch else f", {flip.cause}"
    return f"{flip.date}{by} (generation {flip.number}{how})"
