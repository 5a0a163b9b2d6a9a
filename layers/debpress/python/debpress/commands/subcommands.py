"""Subcommands whose modules are imported once they are chosen, so that `--help` comes at once."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from importlib import import_module
from keyword import iskeyword
from typing import Any


def add(
    parser: argparse.ArgumentParser, package: str, purposes: Mapping[str, str], metavar: str
) -> None:
    """A subcommand for each name in `purposes`, which say in a few words what each is for.

    Its module is the one of that name in `package`, with an underscore behind a word of Python's
    own. The module has `add_arguments(parser)`, which may also set the parser's description; and
    `run(arguments, clock)`, which gives the exit code, unless it adds subcommands in its turn.
    """
    parsers = parser.add_subparsers(required=True, metavar=metavar, parser_class=_Subcommand)
    for name, purpose in purposes.items():
        description = f"{purpose[0].upper()}{purpose[1:]}."
        added = parsers.add_parser(name, help=purpose, description=description)
        added.module = f"{package}.{name}{'_' * iskeyword(name)}"


class _Subcommand(argparse.ArgumentParser):
    """A parser that asks its module for its arguments when there is something to parse."""

    module: str

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        module = import_module(self.module)
        module.add_arguments(self)
        self.set_defaults(run=getattr(module, "run", None), parser=self)
        return super().parse_known_args(args, namespace)
