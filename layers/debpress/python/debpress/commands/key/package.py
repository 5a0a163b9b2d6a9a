"""`debpress key package`: the package that brings hosts the certificates, built or published.

IAM: s3:GetObject on the root's key.gpg and *.sources and on `state/_repository.json`; to publish,
what `debpress upload` needs, and into a suite that requires provenance s3:PutObject on the batch's
`operations.json`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from debpress.clock import Clock
from debpress.commands import connection
from debpress.commands.key import publishing
from debpress.commands.repository import opened
from debpress.errors import DebpressError
from debpress.keys import keyring


def add_arguments(parser: argparse.ArgumentParser) -> None:
    connection.add_arguments(parser)
    parser.add_argument(
        "--output", "-o", type=Path, metavar="FILE", help="(default: its own name, here)"
    )
    parser.add_argument("--publish", action="store_true", help="upload it instead")
    publishing.add_arguments(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    if arguments.publish:
        return 0 if publishing.publish(arguments, clock) else 1
    built = keyring.build(*opened(arguments, clock))
    path = arguments.output or Path(built.name)
    try:
        path.write_bytes(built.body)
    except OSError as error:
        raise DebpressError(f"{path} can't be written: {error.strerror}") from error
    print(path)
    return 0
