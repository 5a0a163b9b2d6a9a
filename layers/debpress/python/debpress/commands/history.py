"""`debpress history`: which packages were added and removed, when, and by which batch.

IAM: s3:GetObject on the root and on `state/`.
"""

from __future__ import annotations

import argparse
from itertools import islice

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import connection, text
from debpress.commands.repository import opened, readable
from debpress.inspection.history import HistoryEntry, history

# Packages of one origin that are named; an import has thousands.
_NAMED = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    args.add_json(parser)
    connection.add_arguments(parser)
    parser.add_argument("--suite", required=True, type=args.readable)
    parser.add_argument("--package", help="only where this package came or went")
    parser.add_argument(
        "--limit", type=args.positive, default=20, help="so many generations (default: 20)"
    )


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    archive, repository = opened(arguments, clock)
    (suite,) = readable(archive, repository, arguments.suite)
    flips = list(islice(history(archive, suite, arguments.package), arguments.limit))
    if arguments.json:
        text.print_json([flip.as_json() for flip in flips])
    else:
        for flip in flips:
            _print(flip)
    return 0


def _print(flip: HistoryEntry) -> None:
    pairs = zip(flip.batches, flip.uploaders, strict=True)
    batches = ", ".join(f"{name} (published by {by})" if by else name for name, by in pairs)
    print(text.printable(f"{flip.number}  {flip.date}  {flip.cause}  {batches}".rstrip()))
    text.print_table(
        (c.action, c.package, c.version, c.architecture, c.component) for c in flip.changes
    )
    for origin, names in _origins(flip).items():
        named = names if len(names) <= _NAMED else [*names[:_NAMED], f"{len(names) - _NAMED} more"]
        print(text.printable(f"  {', '.join(named)}: {origin}"))


def _origins(flip: HistoryEntry) -> dict[str, list[str]]:
    """What is said of where packages are from, and of which; a batch has one origin as a rule."""
    found: dict[str, list[str]] = {}
    for each in flip.changes:
        if origin := text.origin(each.provenance, each.vouched_by):
            found.setdefault(origin, []).append(f"{each.package} {each.version}")
    return {origin: list(dict.fromkeys(names)) for origin, names in found.items()}
