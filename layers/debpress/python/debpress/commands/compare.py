"""`debpress compare`: whether a host could tell a repository from a suite.

IAM: s3:GetObject on the root and `state/_repository.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import connection, foreign, judging, text
from debpress.commands.judging import HERE, THERE, Side
from debpress.commands.repository import chosen, open_archive
from debpress.source import comparison
from debpress.source.answers import Judge
from debpress.source.comparison import Comparison, Difference

# So many differences are printed: before an import all is different.
_SHOWN = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Says what a host would notice if it read a suite in place of a repository: for each "
        "architecture every candidate, every stanza, and what apt resolves dependencies by. Where "
        "apt is installed, it is asked: it reads both in a root of its own, which is removed "
        "again. Else debpress reads them by itself, and says so. Exits with 1 if a host could "
        "tell, or if the comparison fails; with --json, only the former prints anything."
    )
    foreign.add_arguments(parser)
    args.add_json(parser)
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    client, store = connection.connect(arguments)
    archive, repository = open_archive(store, clock)
    chosen(archive, repository, arguments.suite)
    with judging.sitting() as bench:
        theirs = foreign.opened(arguments, client, repository, bench.keep(THERE))
        ours = foreign.ours(archive, arguments.suite, bench.keep(HERE))
        wanted = foreign.components(arguments, theirs)
        architectures = foreign.architectures(arguments, theirs)
        foreign.check_any(theirs, wanted, architectures)
        components = [c for c in wanted if c] or arguments.component or ["main"]
        there, here = (comparison.components_of(side, components) for side in (theirs, ours))
        for side, parts in ((theirs, there), (ours, here)):
            bench.load(side, parts, [a for a in architectures if comparison.has_hosts(side, a)])
        judge = bench.judge(
            Side(theirs, there, lambda: foreign.keyring(arguments.keyring)),
            Side(ours, here, lambda: foreign.own_keyring(archive)),
        )
        found = comparison.compare(theirs, ours, components, architectures, judge)
    expired = [s.release.uri for s in (theirs, ours) if s.release.expired(clock.now())]
    if arguments.json:
        print(json.dumps(_as_json(found, judge, expired), indent=2))
    else:
        _print(arguments.suite, found, judge, expired)
    return 1 if found.differences or found.disagreements else 0


def _as_json(found: Comparison, judge: Judge | None, expired: list[str]) -> dict[str, object]:
    return {
        "architectures": list(found.architectures),
        "judge": judge.name if judge else "debpress",
        "not_judged": found.unasked,
        "candidates": found.candidates,
        "stanzas": found.stanzas,
        "may_differ": dict(found.allowed),
        "only_here": list(found.only_here),
        "older": found.older,
        "expired": expired,
        "differences": _listed(found.differences),
        "disagreements": _listed(found.disagreements),
    }


def _listed(differences: Sequence[Difference]) -> list[dict[str, str]]:
    return [
        {"where": d.where, "about": d.about, "what": d.what, "reason": d.reason}
        for d in differences
    ]


def _print(suite: str, found: Comparison, judge: Judge | None, expired: list[str]) -> None:
    for listed, stream in ((found.differences, sys.stdout), (found.disagreements, sys.stderr)):
        for each in listed[:_SHOWN]:
            line = f"{each.where}: {each.about}: {each.what} ({each.reason})"
            print(text.printable(line), file=stream)
        if len(listed) > _SHOWN:
            print(f"and {len(listed) - _SHOWN} more (--json has all)", file=stream)
    allowed = ", ".join(f"{name} in {count}" for name, count in sorted(found.allowed.items()))
    print(
        f"{suite}: {text.count(found.candidates, 'candidate')} and "
        f"{text.count(found.stanzas, 'stanza')} compared, for "
        f"{', '.join(found.architectures) or 'no architecture'}, {_judged(judge)}"
    )
    print(f"{suite}: differing, as they may: {allowed or 'nothing'}")
    for said in _notes(found, judge, expired):
        print(text.paragraph(said, "note: "))
    if found.disagreements:
        count = text.count(len(found.disagreements), "disagreement")
        print(f"{suite}: apt and debpress read an index otherwise: {count}", file=sys.stderr)
    count = text.count(len(found.differences), "difference")
    said = f"a host could tell, by {count}"
    print(f"{suite}: {said if found.differences else 'no host could tell them apart'}")


def _judged(judge: Judge | None) -> str:
    if judge is None:
        return "by debpress's own reading, as apt is not installed here"
    return f"by {judge.name} in private roots"


def _notes(found: Comparison, judge: Judge | None, expired: list[str]) -> Iterator[str]:
    if judge and found.unasked:
        yield (
            f"{judge.name} was not asked for {', '.join(found.unasked)}, as that is a variant of "
            "an architecture: there it is debpress's own reading"
        )
    if found.only_here:
        yield (
            f"what is in {', '.join(found.only_here)} was not compared: the repository there has "
            "no component of that name, so no host of it reads that"
        )
    for uri in expired:
        yield f"hosts refuse {uri} by now, as its Valid-Until is over"
    if found.older:
        yield (
            "the release here is older than the one there: a host that finds it under the address "
            "that it has passes it over, without a word, until something is published here"
        )
