"""Subcommands whose modules are imported only when they are chosen, so that `--help` is quick."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from importlib import import_module
from keyword import iskeyword
from typing import Any, NoReturn


def add(
    parser: argparse.ArgumentParser, package: str, purposes: Mapping[str, str], metavar: str
) -> None:
    """Adds a subcommand for each name in `purposes`, whose values describe it in a few words.

    Its module is the one of that name in `package`, with underscores for dashes; where the name is
    a keyword of Python, with an underscore behind it. The module has `add_arguments(parser)`, which
    may also set the parser's description; and, unless it adds subcommands itself,
    `run(arguments, clock)`, which returns the exit code.
    """
    parsers = parser.add_subparsers(required=True, metavar=metavar, parser_class=_Subcommand)
    for name, purpose in purposes.items():
        description = f"{purpose[0].upper()}{purpose[1:]}."
        added = parsers.add_parser(name, help=purpose, description=description)
        module = name.replace("-", "_") + "_" * iskeyword(name)
        added.module = f"{package}.{module}"


class _Subcommand(argparse.ArgumentParser):
    """A parser that imports its module, and adds the arguments, only when it has to parse."""

    module: str

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        module = import_module(self.module)
        module.add_arguments(self)
        self.set_defaults(run=getattr(module, "run", None), parser=self)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        from debpress.commands import joblog  # noqa: PLC0415 (as the module)

        joblog.annotate(f"{self.prog}: the command line is wrong", message)
        super().error(message)
