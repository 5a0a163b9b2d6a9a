"""`debpress list`, `show`, `history`, `status`: looking at a repository, changing nothing.

IAM: s3:GetObject on the root and on `state/`; status also s3:ListBucket.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from debpress.adapters.s3 import S3Store
from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import connection, text
from debpress.config import Repository
from debpress.errors import ConfigError, DebpressError
from debpress.index import relations
from debpress.inspection import reading
from debpress.inspection.history import Change, Flip, history
from debpress.inspection.reading import Listed, configured
from debpress.inspection.status import Status, status
from debpress.layout import snapshotted


def register(subparsers: Any) -> None:
    parser = _parser(subparsers, "list", _list, "list the packages of a suite")
    parser.add_argument("pattern", nargs="?", metavar="PATTERN", help="as a shell's: 'lib*-dev'")
    parser.add_argument("--suite", required=True, type=args.readable)

    parser = _parser(subparsers, "show", _show, "show a package, and where it is published")
    parser.add_argument("package", type=args.package, metavar="PACKAGE[=VERSION]")
    parser.add_argument("--suite", type=args.readable, help="(default: every suite)")

    parser = _parser(subparsers, "history", _history, "show what came and went, when, and by whom")
    parser.add_argument("--suite", required=True, type=args.readable)
    parser.add_argument("--package", help="only where this package came or went")
    parser.add_argument(
        "--limit", type=args.positive, default=20, help="so many generations (default: 20)"
    )

    parser = _parser(subparsers, "status", _status, "show what waits, and how each suite is")
    parser.add_argument("--suite", type=args.suite, help="(default: every suite)")


def _parser(subparsers: Any, name: str, run: Any, purpose: str) -> argparse.ArgumentParser:
    description = purpose[0].upper() + purpose[1:] + "."
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name, help=purpose, description=description
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    connection.add_arguments(parser)
    parser.set_defaults(run=run, parser=parser)
    return parser


def _opened(arguments: argparse.Namespace) -> tuple[S3Store, Repository]:
    _, store = connection.connect(arguments)
    return store, configured(store)


def suites(arguments: argparse.Namespace, repository: Repository) -> list[str]:
    """The suite or snapshot that was named, or all suites. Raises ConfigError for an unknown."""
    known = [suite.suite for suite in repository.suites]
    if arguments.suite is None:
        return known
    if (snapshotted(arguments.suite) or arguments.suite) not in known:
        raise ConfigError(
            f"there is no suite {arguments.suite!r} here; there is {', '.join(known)}"
        )
    return [arguments.suite]


def _print_json(data: Any) -> None:
    print(json.dumps(data, indent=2))


def _list(arguments: argparse.Namespace, _clock: Clock) -> int:
    store, repository = _opened(arguments)
    (suite,) = suites(arguments, repository)
    found = reading.matching(reading.packages(store, repository.layout, suite), arguments.pattern)
    if arguments.json:
        _print_json([each.as_json() for each in found])
    else:
        rows = [(*each.identity, each.component, _size(each)) for each in found]
        text.print_table(rows)
    return 0


def _size(listed: Listed) -> str:
    return text.amount(listed.as_json()["size"])


def _show(arguments: argparse.Namespace, _clock: Clock) -> int:
    store, repository = _opened(arguments)
    wanted = relations.parse(arguments.package)
    found = [
        each
        for suite in suites(arguments, repository)
        for each in reading.packages(store, repository.layout, suite)
        if wanted.matches(each.identity)
    ]
    if not found:
        raise DebpressError(
            f"nothing that is {wanted} is published here; see debpress list '*{wanted.package}*'"
        )
    if arguments.json:
        _print_json(
            [{**each.as_json(), "fields": reading.fields(each.entry.text)} for each in found]
        )
    else:
        places = [(f"{e.suite}/{e.component}", *e.identity[1:], _size(e)) for e in found]
        text.print_table(places)
        newest = min(found, key=reading.newest_first)
        for name, value in reading.fields(newest.entry.text).items():
            lines = [text.printable(line) for line in value.split("\n")]
            print(f"{text.printable(name)}: " + "\n".join(lines))
    return 0


def _history(arguments: argparse.Namespace, _clock: Clock) -> int:
    store, repository = _opened(arguments)
    (suite,) = suites(arguments, repository)
    flips = list(
        islice(history(store, repository.layout, suite, arguments.package), arguments.limit)
    )
    if arguments.json:
        _print_json([flip.as_json() for flip in flips])
    else:
        for flip in flips:
            print(_line(flip))
            text.print_table(_rows(flip.changes))
    return 0


def _line(flip: Flip) -> str:
    batches = ", ".join(flip.batches)
    return text.printable(f"{flip.number}  {flip.date}  {flip.cause}  {batches}".rstrip())


def _rows(changes: Iterable[Change]) -> list[Sequence[object]]:
    return [(c.action, c.package, c.version, c.architecture, c.component) for c in changes]


def _status(arguments: argparse.Namespace, _clock: Clock) -> int:
    store, repository = _opened(arguments)
    found = [status(store, repository.layout, s) for s in suites(arguments, repository)]
    if arguments.json:
        _print_json([each.as_json() for each in found])
    else:
        for each in found:
            _print_status(each)
    return 0


def _print_status(found: Status) -> None:
    until = f", valid until {found.valid_until}" if found.valid_until else ""
    print(
        f"{found.suite}: generation {found.generation}, InRelease of {found.modified} "
        f"({text.age(found.age)} ago), Date {found.date}{until}"
    )
    print(f"  waiting: {len(found.waiting) or 'nothing'}")
    text.print_table(
        ("", each.stage, each.batch, f"since {each.since} ({text.age(each.seconds)})")
        for each in found.waiting
    )
    print(f"  snapshots: {len(found.snapshots) or 'none'}")
    text.print_table(
        ("", s.path, f"generation {s.generation}", f"kept until {s.expires}")
        for s in found.snapshots
    )
    print("  last generations:")
    text.print_table(("", f.number, f.date, f.cause, _counts(f)) for f in found.generations)
    print(f"  last rejected or failed: {len(found.troubles) or 'none'}")
    for trouble in found.troubles:
        text.print_table([("", trouble.finished_at, trouble.status, trouble.batch)])
        text.print_table(
            ("  ", e.get("file", ""), e.get("code", ""), e.get("message", ""))
            for e in trouble.errors
        )
    for unseen in found.unseen:
        print(f"  {text.printable(unseen)}")


def _counts(flip: Flip) -> str:
    actions = [change.action for change in flip.changes]
    return f"+{actions.count('added')} -{actions.count('removed')}"
