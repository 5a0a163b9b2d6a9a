"""Checks of arguments' forms, and arguments that several subcommands have."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from debpress import layout, manifest, uploaders
from debpress.errors import DebpressError
from debpress.index import relations


def fits(form: re.Pattern[str]) -> Callable[[str], str]:
    """A type for argparse: the whole argument must match `form`."""

    def check(value: str) -> str:
        if not form.fullmatch(value):
            raise argparse.ArgumentTypeError(f"{value!r} does not fit {form.pattern}")
        return value

    return check


suite = fits(layout.SUITE)
# A suite, or a pattern of suites.
suites = fits(re.compile(f"{layout.SUITE.pattern}|{layout.PATTERN.pattern}"))
# Commands that only read take a snapshot's path in place of a suite.
readable = fits(re.compile(f"{layout.SUITE.pattern}|{layout.SNAPSHOT.pattern}"))
component = fits(layout.COMPONENT)
architecture = fits(re.compile(r"[a-z0-9][a-z0-9-]*"))
uploader = fits(uploaders.NAME)
fingerprint = fits(re.compile(r"[0-9A-Fa-f]{40}"))


def seconds(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number < 10**6:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number of seconds")
    return number


def positive(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,8}", value) or int(value) < 1:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number, 1 or more")
    return int(value)


def relation(value: str) -> str:
    """`foo`, or `foo (<< 2.0)`."""
    try:
        return str(relations.parse(value))
    except DebpressError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def package(value: str) -> str:
    """`foo`, or `foo=1.2` in apt-get's notation; returns it as a relation, `foo (= 1.2)`."""
    name, given, version = value.partition("=")
    return relation(f"{name} (= {version})" if given and "(" not in name else value)


def exact(value: str) -> str:
    """`foo=1.2`, and nothing less; returns it as a relation, `foo (= 1.2)`."""
    if not re.fullmatch(r"[^=(]+=[^=(]+", value):
        raise argparse.ArgumentTypeError(f"{value!r} is not PACKAGE=VERSION")
    return package(value)


class _Place(argparse.Action):
    """`SUITE` or `SUITE/COMPONENT`, of which the component goes to the attribute of that name."""

    def __init__(self, *, component_to: str, **more: Any) -> None:
        super().__init__(**more)
        self._component_to = component_to

    def __call__(self, parser: Any, namespace: Any, values: Any, option: Any = None) -> None:
        name, given, part = values.partition("/")
        try:
            setattr(namespace, self.dest, suite(name))
            setattr(namespace, self._component_to, component(part) if given else None)
        except argparse.ArgumentTypeError as error:
            raise argparse.ArgumentError(self, str(error)) from error


def add_place(
    parser: argparse.ArgumentParser,
    metavar: str,
    purpose: str,
    suite_to: str = "suite",
    component_to: str = "component",
) -> None:
    """Adds a positional argument for a suite and a component, which go to two attributes; the
    component is None where none is said."""
    parser.add_argument(
        suite_to,
        action=_Place,
        component_to=component_to,
        metavar=metavar,
        help=f"{purpose}, as SUITE/COMPONENT",
    )


def add_suites(parser: argparse.ArgumentParser, purpose: str, *, required: bool = False) -> None:
    """Adds `--suite`, which may be given several times; see `different`."""
    parser.add_argument(
        "--suite",
        dest="suites",
        action="append",
        default=[],
        required=required,
        type=suite,
        metavar="SUITE",
        help=purpose,
    )


def different(suites: Sequence[str]) -> tuple[str, ...]:
    """The suites of one batch. Raises argparse.ArgumentError for what no manifest may say."""
    if len(set(suites)) < len(suites):
        raise argparse.ArgumentError(None, "argument --suite: the same suite is named twice")
    if len(suites) > manifest.MOST_SUITES:
        told = f"the most is {manifest.MOST_SUITES}; make several batches"
        raise argparse.ArgumentError(None, f"argument --suite: {len(suites)} suites, {told}")
    return tuple(suites)


def add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="a .deb; a folder, for the .deb files in it; a .changes, for the packages it lists",
    )


def add_json(parser: argparse.ArgumentParser, purpose: str = "print JSON") -> None:
    parser.add_argument("--json", action="store_true", help=purpose)


def add_trust_root(parser: argparse.ArgumentParser, where: str = "") -> None:
    parser.add_argument(
        "--trust-root",
        type=Path,
        metavar="FILE",
        help=f"{where}the trusted_root.json (default: Sigstore's public instance)",
    )


def add_waiting(parser: argparse.ArgumentParser) -> None:
    """Adds the options on how long to wait for a result: `--timeout`, `--no-wait`."""
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=600.0,
        metavar="SECONDS",
        help="how long to wait for the result (default: 600)",
    )
    parser.add_argument("--no-wait", action="store_true", help="do not wait for the result")
