"""`debpress status`: each suite's release, waiting batches and recent failures.

IAM: s3:GetObject on the root and on `state/`, and s3:ListBucket.
"""

from __future__ import annotations

import argparse

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import connection, hosts, text
from debpress.commands.repository import opened, readable
from debpress.inspection.history import HistoryEntry
from debpress.inspection.status import Status, status


def add_arguments(parser: argparse.ArgumentParser) -> None:
    args.add_json(parser)
    connection.add_arguments(parser)
    parser.add_argument("--suite", type=args.suite, help="(default: every suite)")
    hosts.add_arguments(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    if arguments.hosts:
        return hosts.tell(arguments, clock)
    archive, repository = opened(arguments, clock)
    suites = readable(archive, repository, arguments.suite)
    found = [status(archive, suite) for suite in suites]
    if arguments.json:
        text.print_json([each.as_json() for each in found])
    else:
        for each in found:
            _print(each)
    return 0


def _print(found: Status) -> None:
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
    _print_troubles(found)
    for unseen in found.unseen:
        print(f"  {text.printable(unseen)}")


def _print_troubles(found: Status) -> None:
    print(f"  last rejected or failed: {len(found.troubles) or 'none'}")
    for trouble in found.troubles:
        text.print_table([("", trouble.finished_at, trouble.status, trouble.batch)])
        text.print_table(
            ("  ", e.get("file", ""), e.get("code", ""), e.get("message", ""))
            for e in trouble.errors
        )


def _counts(flip: HistoryEntry) -> str:
    actions = [change.action for change in flip.changes]
    return f"+{actions.count('added')} -{actions.count('removed')}"
