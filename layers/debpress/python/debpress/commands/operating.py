"""What `remove`, `copy`, `rollback` and the like share: an operation asked for, or tried.

Each is an operations.json in staging, which goes the way of every change. IAM: s3:PutObject on
`staging/<suite>/<component>/*/operations.json`, s3:GetObject on `results/`; those that name no
component, and `--dry-run`, read the configuration and the indices as well. docs/operators.md is the
page.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import connection, text
from debpress.commands.asking import ask
from debpress.commands.repository import chosen, opened
from debpress.commands.trying import Trial
from debpress.suite.operations import Operation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dry-run", action="store_true", help="only say what would come and go, and change nothing"
    )
    args.add_waiting(parser)
    args.add_json(parser)
    connection.add_arguments(parser)


def in_component(arguments: argparse.Namespace, clock: Clock, operation: Operation) -> int:
    """An operation in the component that was named; gives the exit code.

    Only a dry run reads the configuration, for which a role of CI need have no permission.
    """
    if arguments.dry_run:
        trial = Trial(*opened(arguments, clock))
        plan = trial.plan(arguments.suite, arguments.component, operation, quiet=arguments.json)
        return _ended(arguments, [plan])
    places = [(arguments.suite, arguments.component)]
    return _ended(arguments, ask(arguments, clock, places, operation))


def on_suites(arguments: argparse.Namespace, clock: Clock, operation: Operation) -> int:
    """An operation on the suite that was named, or on every one; gives the exit code.

    It needs some component of each suite's for the path of its operations.json.
    """
    archive, repository = opened(arguments, clock)
    places = [(s.suite, s.components[0]) for s in chosen(archive, repository, arguments.suite)]
    if arguments.dry_run:
        trial = Trial(archive, repository)
        plans = [trial.plan(*place, operation, quiet=arguments.json) for place in places]
        return _ended(arguments, plans)
    return _ended(arguments, ask(arguments, clock, places, operation))


def _ended(arguments: argparse.Namespace, answers: Sequence[dict[str, Any]]) -> int:
    if arguments.json:
        # One place, one object; a prune of every suite is a list, though there be but one.
        several = arguments.suite is None
        text.print_json(answers if several else answers[0])
    return 0 if all(_good(arguments, answer) for answer in answers) else 1


def _good(arguments: argparse.Namespace, answer: dict[str, Any]) -> bool:
    if arguments.dry_run:
        return not answer["errors"]
    return bool(arguments.no_wait or answer["status"] == "published")
