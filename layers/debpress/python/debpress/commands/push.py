"""`debpress push`: `debpress upload` for hands that know other repositories' commands."""

from __future__ import annotations

import argparse

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import upload


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Publishes .deb files in a suite, all or none of them, and waits until apt can see them. "
        "It is `debpress upload` with the place first."
    )
    args.add_place(parser, "PLACE", "where: SUITE, which means its main")
    args.add_files(parser)
    args.add_suites(parser, "a suite to publish in beside that: in all of them or none")
    upload.add_options(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    arguments.component = arguments.component or "main"
    arguments.suites = [arguments.suite, *arguments.suites]
    return upload.run(arguments, clock)
