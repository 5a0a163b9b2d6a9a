"""`debpress check`: whether packages are such as the press takes and hosts can unpack.

Nothing is sent and nothing is asked: it needs no credentials and no network.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import joblog, text
from debpress.commands.gathering import gather
from debpress.commands.packages import LocalPackage
from debpress.errors import Refusal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Checks .deb files as an upload would, and unpacks each in memory to its end. "
        "Sends nothing. Exits with 1 if anything is wrong."
    )
    args.add_files(parser)
    args.add_json(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    gathered = gather(arguments.files)
    if arguments.json:
        text.print_json(_as_json(gathered.packages, gathered.refusals))
    else:
        for package in gathered.packages:
            print(text.printable(f"good: {package.path}: {' '.join(package.identity)}"))
        joblog.print_gathered(gathered)
    return 1 if gathered.refusals else 0


def _as_json(packages: Sequence[LocalPackage], refusals: Sequence[Refusal]) -> dict[str, Any]:
    names = ("package", "version", "architecture")
    return {
        "packages": [
            {
                "file": str(each.path),
                **dict(zip(names, each.identity, strict=True)),
                "sha256": each.sha256,
                "size": each.size,
            }
            for each in packages
        ],
        "errors": [refusal.as_json() for refusal in refusals],
    }
