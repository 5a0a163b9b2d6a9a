"""`debpress copy`: publishes packages of one suite in another, too. IAM: see `operating`."""

from __future__ import annotations

import argparse

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import operating
from debpress.suite.operations import Copy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Names packages of one suite in another as well, all of them in one flip. No byte moves."
    )
    add_packages(parser)
    parser.add_argument("--from", dest="source", required=True, type=args.suite, metavar="SUITE")
    parser.add_argument("--to", dest="suite", required=True, type=args.suite, metavar="SUITE")
    parser.add_argument("--component", default="main", type=args.component)
    parser.add_argument(
        "--from-component", type=args.component, metavar="COMPONENT", help="(default: the same)"
    )
    add_options(parser)


def add_packages(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "packages",
        nargs="+",
        type=args.package,
        metavar="PACKAGE[=VERSION]",
        help="without a version: the newest one",
    )


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--force", action="store_true", help="though they need exactly what does not come along"
    )
    operating.add_arguments(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    component = arguments.from_component or arguments.component
    packages = tuple(arguments.packages)
    operation = Copy(arguments.source, component, packages, arguments.force)
    return operating.in_component(arguments, clock, operation)
