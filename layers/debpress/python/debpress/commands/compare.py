"""`debpress compare`: whether a host could tell a repository from a suite.

IAM: s3:GetObject on the root and `state/_repository.json`.
"""

from __future__ import annotations

import argparse
import json

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import connection, foreign, text
from debpress.commands.repository import chosen, open_archive
from debpress.source import comparison
from debpress.source.comparison import Comparison


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Says what a host would notice if it read a suite in place of a repository: for each "
        "architecture every candidate and every stanza. Exits with 1 if it could tell."
    )
    foreign.add_arguments(parser)
    args.add_json(parser)
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    client, store = connection.connect(arguments)
    archive, repository = open_archive(store, clock)
    chosen(repository, arguments.suite)
    theirs = foreign.opened(arguments, client, repository)
    ours = foreign.ours(archive, arguments.suite)
    wanted = foreign.components(arguments, theirs)
    foreign.check_any(theirs, wanted, theirs.architectures)
    components = [c for c in wanted if c]
    for side in (theirs, ours):
        wanted = [c for c in components if c in side.components] if not side.flat else [""]
        side.load(wanted, [a for a in theirs.architectures if a in side.architectures])
    found = comparison.compare(theirs, ours, components or arguments.component or ["main"])
    if arguments.json:
        print(json.dumps(_as_json(found), indent=2))
    else:
        _print(arguments.suite, found)
    return 1 if found.differences else 0


def _as_json(found: Comparison) -> dict[str, object]:
    return {
        "architectures": list(found.architectures),
        "candidates": found.candidates,
        "stanzas": found.stanzas,
        "may_differ": dict(found.allowed),
        "older": found.older,
        "differences": [
            {"where": d.where, "about": d.about, "what": d.what, "reason": d.reason}
            for d in found.differences
        ],
    }


def _print(suite: str, found: Comparison) -> None:
    for each in found.differences:
        print(text.printable(f"{each.where}: {each.about}: {each.what} ({each.reason})"))
    allowed = ", ".join(f"{name} in {count}" for name, count in sorted(found.allowed.items()))
    print(
        f"{suite}: {found.candidates} candidates and {found.stanzas} stanzas compared, for "
        f"{', '.join(found.architectures) or 'no architecture'}; differing, as they may: "
        f"{allowed or 'nothing'}"
    )
    if found.older:
        said = (
            "the release here is older than the one there: a host that finds it under the address "
            "that it has passes it over, without a word, until something is published here"
        )
        print(text.paragraph(said, "note: "))
    said = f"a host could tell, by {len(found.differences)} differences"
    print(f"{suite}: {said if found.differences else 'no host could tell them apart'}")
