"""`debpress check`: whether packages are such as the press takes and hosts can unpack, and what the
Sigstore bundles beside them prove.

Nothing is sent. Without `--suite` nothing is asked, and it needs no credentials and no network.
IAM: with `--suite` s3:GetObject on `state/_repository.json`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import connection, joblog, text
from debpress.commands.beside import beside, judged
from debpress.commands.foreseeing import foreign
from debpress.commands.gathering import gather
from debpress.commands.packages import LocalPackage
from debpress.commands.repository import named, opened
from debpress.config import Suite
from debpress.errors import ConfigError, Refusal
from debpress.provenance.claims import Claims
from debpress.provenance.proof import Verifier


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Checks .deb files as an upload would, and unpacks each in memory to its end; and verifies "
        "the Sigstore bundle that lies beside one. Sends nothing. Exits with 1 if anything is "
        "wrong."
    )
    args.add_files(parser)
    parser.add_argument(
        "--suite",
        type=args.suite,
        help="also by the architectures of this suite, and what it asks of where packages are "
        "from; else nothing is asked of anybody",
    )
    args.add_trust_root(parser)
    args.add_json(parser)
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    gathered = gather(arguments.files)
    suite = _suite(arguments, clock) if arguments.suite else None
    verifier = _verifier(arguments.trust_root, sum(map(bool, map(beside, gathered.packages))))
    found = judged(gathered.packages, suite.provenance if suite else None, verifier)
    refused = [*(foreign(suite, gathered.packages) if suite else ()), *found.refusals]
    refusals = [*gathered.refusals, *refused]
    if arguments.json:
        text.print_json(_as_json(gathered.packages, found.proven, refusals))
    else:
        wrong = {refusal.file for refusal in refused}
        for package in gathered.packages:
            if str(package.path) not in wrong:
                said = f"good: {package.path}: {' '.join(package.identity)}"
                print(text.printable(said + _told(found.proven.get(package.path))))
        joblog.print_gathered(gathered)
        joblog.print_errors([refusal.as_json() for refusal in refused])
    return 1 if refusals else 0


def _suite(arguments: argparse.Namespace, clock: Clock) -> Suite:
    """Raises ConfigError, and what `opened` raises."""
    return named(opened(arguments, clock)[1], arguments.suite)


def _verifier(trust_root: Path | None, bundles: int) -> Callable[[], Verifier] | None:
    """None, and says so, where Sigstore's library is not installed. Raises ConfigError for what is
    no trust root."""
    if not bundles:
        return None
    try:
        from debpress.adapters import sigstore  # noqa: PLC0415 (not everywhere)
    except ConfigError:
        said = (
            f"note: {bundles} bundle(s) are read and not verified: Sigstore's library is not "
            "installed here (pip install 'sigstore>=4.5,<5')"
        )
        print(said, file=sys.stderr)
        return None
    found = sigstore.verifier(trust_root or sigstore.public_root())
    return lambda: found


def _told(claims: Claims | None) -> str:
    return f", {text.built(asdict(claims))}, as its bundle proves" if claims else ""


def _as_json(
    packages: Sequence[LocalPackage], proven: Mapping[Path, Claims], refusals: Sequence[Refusal]
) -> dict[str, Any]:
    names = ("package", "version", "architecture")
    return {
        "packages": [
            {
                "file": str(each.path),
                **dict(zip(names, each.identity, strict=True)),
                "sha256": each.sha256,
                "size": each.size,
                **({"provenance": asdict(proven[each.path])} if each.path in proven else {}),
            }
            for each in packages
        ],
        "errors": [refusal.as_json() for refusal in refusals],
    }
