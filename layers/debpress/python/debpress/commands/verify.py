"""`debpress verify`: reads the whole repository as hosts do, and reports every problem.

IAM: s3:GetObject on the root and on `state/_repository.json`; s3:ListBucket to find objects that no
suite names. With `--provenance`, both on `state/_provenance/` as well, and s3:GetObject on the
generations.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import connection, text
from debpress.commands.progress import Progress
from debpress.commands.repository import opened, readable
from debpress.inspection import provenance, verification
from debpress.inspection.report import Report
from debpress.inspection.suites import is_there
from debpress.provenance.proof import Verifier


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Reads the whole repository as a stranger would: signatures, dates, every index against "
        "Release, every package against its index. Exits with 1 if anything is wrong."
    )
    parser.add_argument("--suite", type=args.readable, help="(default: every suite and snapshot)")
    parser.add_argument(
        "--deep", action="store_true", help="read every package's bytes, all of them"
    )
    parser.add_argument(
        "--provenance",
        action="store_true",
        help="verify the bundle of every package of the suites that have a provenance policy",
    )
    args.add_trust_root(parser, "with --provenance: ")
    args.add_json(parser)
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    verifier = _verifier(arguments.trust_root) if arguments.provenance else None
    archive, repository = opened(arguments, clock)
    names = readable(archive, repository, arguments.suite)
    suites = [suite for name in names if (suite := repository.suite(name))]
    report = verification.verify(
        archive,
        clock,
        names,
        whole=arguments.suite is None,
        deep=arguments.deep,
        watch=Progress,
    )
    # The reaper may end one of a pattern while it is read.
    for suite in [each for each in suites if not is_there(archive, each)]:
        report.ended(suite.suite)
        suites.remove(suite)
    if verifier is not None:
        provenance.verify(archive, suites, verifier, report)
    if arguments.json:
        text.print_json(report.as_json())
    else:
        _print(report)
    return 0 if report.good else 1


def _verifier(trust_root: Path | None) -> Verifier:
    """Raises ConfigError where the library is not installed, or the file is no trust root."""
    from debpress.adapters import sigstore  # noqa: PLC0415 (not everywhere)

    return sigstore.verifier(trust_root or sigstore.public_root())


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
