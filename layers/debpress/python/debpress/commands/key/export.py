"""`debpress key export`: the certificates that hosts must trust. IAM: as all of `debpress key`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from debpress import openpgp
from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import connection
from debpress.commands.repository import opened
from debpress.errors import DebpressError
from debpress.keys.standing import standing
from debpress.openpgp.certificates import Certificate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    connection.add_arguments(parser)
    parser.add_argument(
        "fingerprint", nargs="?", type=args.fingerprint, help="(default: all of them)"
    )
    parser.add_argument("--binary", action="store_true", help="not armored")
    parser.add_argument("--output", type=Path, metavar="FILE", help="(default: stdout)")


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    archive, repository = opened(arguments, clock)
    published = [each.certificate for each in standing(archive, repository.signers).published]
    data = b"".join(each.raw for each in _chosen(published, arguments.fingerprint))
    if not arguments.binary:
        data = openpgp.armor(data, "PUBLIC KEY BLOCK")
    if arguments.output:
        try:
            arguments.output.write_bytes(data)
        except OSError as error:
            raise DebpressError(f"{arguments.output} can't be written: {error}") from error
    else:
        sys.stdout.buffer.write(data)
    return 0


def _chosen(published: list[Certificate], fingerprint: str | None) -> list[Certificate]:
    if not fingerprint:
        return published
    wanted = fingerprint.upper()
    found = [each for each in published if each.fingerprint == wanted]
    if not found:
        raise DebpressError(
            f"no signer here that hosts are to trust has the certificate {wanted}; see key show"
        )
    return found
