"""`debpress promote`: `debpress copy` in the order of a release's way, after Artifactory's word."""

from __future__ import annotations

import argparse

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import copy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Publishes packages of one suite in the next one, too, the very files that were tried. All "
        "of them become visible at once. It is `debpress copy` with the places first."
    )
    args.add_place(
        parser, "FROM", "where they are: SUITE, which means its main", "source", "from_component"
    )
    args.add_place(
        parser, "TO", "where they are to be published: SUITE, which means FROM's component"
    )
    copy.add_packages(parser)
    copy.add_options(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    arguments.from_component = arguments.from_component or "main"
    arguments.component = arguments.component or arguments.from_component
    return copy.run(arguments, clock)
