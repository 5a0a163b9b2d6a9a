"""`debpress verify`: reads the whole repository as a stranger would, and says what is wrong.

IAM: s3:GetObject on the root and on `state/_repository.json`; s3:ListBucket to tell what nothing
names.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import connection, look, text
from debpress.commands.progress import Progress
from debpress.inspection import verification
from debpress.inspection.reading import configured
from debpress.inspection.report import Report


def register(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "verify",
        help="check the repository, from the key down to the packages",
        description="Reads the whole repository as a stranger would: signatures, dates, every "
        "index against Release, every package against its index. Exits with 1 if anything is "
        "wrong.",
    )
    parser.add_argument("--suite", type=args.readable, help="(default: every suite and snapshot)")
    parser.add_argument(
        "--deep", action="store_true", help="read every package's bytes, all of them"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    connection.add_arguments(parser)
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    _, store = connection.connect(arguments)
    repository = configured(store)
    report = verification.verify(
        store,
        repository.layout,
        clock,
        look.suites(arguments, repository),
        whole=arguments.suite is None,
        deep=arguments.deep,
        watch=Progress,
    )
    if arguments.json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        _print(report)
    return 0 if report.good else 1


def _print(report: Report) -> None:
    for finding in report.findings:
        suite = f"{finding.suite}: " if finding.suite else ""
        print(text.printable(f"wrong: {suite}{finding.message}"))
    for note in report.notes:
        print(text.printable(f"note: {note.message}"))
    print(
        f"{', '.join(report.suites)}: {report.indices} indices and {report.packages} packages, "
        f"{len(report.findings) or 'nothing'} wrong"
    )
