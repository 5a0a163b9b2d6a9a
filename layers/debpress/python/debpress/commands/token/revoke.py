"""`debpress token revoke`: a name is let in no longer, everywhere within seconds."""

from __future__ import annotations

import argparse

from debpress import tokens
from debpress.clock import Clock
from debpress.commands.token import door


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", type=door.name)
    door.add_arguments(parser)


def run(arguments: argparse.Namespace, _clock: Clock) -> int:
    tokens.revoke(door.opened(arguments), arguments.name)
    print(f"{arguments.name} reads nothing more, as soon as every edge of CloudFront knows it")
    return 0
