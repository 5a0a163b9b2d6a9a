"""`debpress build-manifest`: the manifest.json of packages, for those who upload them by other
means, as `aws s3 cp`.

Nothing is sent and nothing is asked: it needs no credentials and no network.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import joblog
from debpress.commands.gathering import gather
from debpress.commands.sending import manifest_of
from debpress.errors import StoreError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Writes the manifest.json that lists packages, for an upload without this command. The "
        "packages are checked first, as an upload would; if anything is wrong nothing is written."
    )
    args.add_files(parser)
    args.add_suites(parser, "have it name this suite; several times, for one batch in all of them")
    parser.add_argument(
        "--output", type=Path, metavar="PATH", help="where to write it (default: standard output)"
    )


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    suites = args.different(arguments.suites)
    gathered = gather(arguments.files)
    joblog.print_gathered(gathered)
    if gathered.refusals:
        return 1
    written = manifest_of(gathered.packages, suites).decode() + "\n"
    if arguments.output is None:
        sys.stdout.write(written)
        return 0
    try:
        arguments.output.write_text(written, "utf-8")
    except OSError as error:
        raise StoreError(f"{arguments.output} can't be written: {error.strerror}") from error
    return 0
