"""`debpress yank`: `debpress remove` of exact versions, as cargo and packagecloud call it."""

from __future__ import annotations

import argparse

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import remove


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Takes exact versions out of a suite, for when one should not have been published. Hosts "
        "that have it keep it; no other may install it. `debpress remove` takes out all versions, "
        "or ranges of them."
    )
    args.add_place(parser, "PLACE", "where: SUITE, which means its main")
    parser.add_argument(
        "packages",
        nargs="+",
        type=args.exact,
        metavar="PACKAGE=VERSION",
        help="in apt-get's notation, with the epoch if there is one",
    )
    remove.add_options(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    arguments.component = arguments.component or "main"
    return remove.run(arguments, clock)
