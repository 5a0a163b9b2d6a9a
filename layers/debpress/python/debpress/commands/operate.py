"""`debpress remove`, `copy`, `rollback`, `prune`, `snapshot`: what operators do after publishing.

Each is an operations.json in staging, which goes the way of every change. IAM: s3:PutObject on
`staging/<suite>/<component>/*/operations.json`, s3:GetObject on `results/`; rollback, prune,
snapshot and `--dry-run` read the configuration and the indices as well. docs/operators.md is the
page.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from debpress.adapters.s3 import S3Store
from debpress.clock import Clock, from_iso, iso
from debpress.commands import arguments as args
from debpress.commands import connection, text, waiting
from debpress.config import Repository
from debpress.errors import Code, ConfigError, RejectedError
from debpress.inspection.reading import configured
from debpress.layout import Batch
from debpress.publish import snapshots
from debpress.publish.operations import (
    KEEP_DAYS,
    MOST_KEEP_DAYS,
    Copy,
    Operation,
    Prune,
    Remove,
    Rollback,
    Snapshot,
)
from debpress.publish.requests import dry_run, request


def register(subparsers: Any) -> None:
    _register_remove(subparsers)
    _register_copy(subparsers)
    _register_rollback(subparsers)
    _register_prune(subparsers)
    _register_snapshot(subparsers)


def _register_remove(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "remove",
        help="take packages out of a suite",
        description="Takes packages out of a component of a suite, all of them in one flip.",
    )
    parser.add_argument(
        "packages",
        nargs="+",
        type=args.relation,
        metavar="PACKAGE",
        help="a name, or a name and versions as in 'foo (<< 2.0)'",
    )
    parser.add_argument("--suite", required=True, type=args.suite)
    parser.add_argument("--component", default="main", type=args.component)
    parser.add_argument(
        "--arch", type=args.architecture, help="only of this architecture, which may be 'all'"
    )
    parser.add_argument(
        "--force", action="store_true", help="though something that stays needs them exactly"
    )
    _finish(parser, _remove)


def _register_copy(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "copy",
        help="publish packages of one suite in another",
        description="Names packages of one suite in another as well, all of them in one flip. "
        "No byte moves.",
    )
    parser.add_argument(
        "packages",
        nargs="+",
        type=args.package,
        metavar="PACKAGE[=VERSION]",
        help="without a version: the newest one",
    )
    parser.add_argument("--from", dest="source", required=True, type=args.suite, metavar="SUITE")
    parser.add_argument("--to", dest="suite", required=True, type=args.suite, metavar="SUITE")
    parser.add_argument("--component", default="main", type=args.component)
    parser.add_argument(
        "--from-component", type=args.component, metavar="COMPONENT", help="(default: the same)"
    )
    parser.add_argument(
        "--force", action="store_true", help="though they need exactly what does not come along"
    )
    _finish(parser, _copy)


def _register_rollback(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "rollback",
        help="go back to the content of an earlier generation",
        description="Publishes the content of an earlier generation again, newly dated and signed.",
    )
    parser.add_argument("--suite", required=True, type=args.suite)
    parser.add_argument(
        "--to",
        required=True,
        type=args.positive,
        metavar="GENERATION",
        help="its number, see debpress history",
    )
    _finish(parser, _rollback)


def _register_prune(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "prune",
        help="take old versions out, as the schedule does",
        description="Takes out what is older than the versions that the configuration keeps.",
    )
    parser.add_argument("--suite", type=args.suite, help="(default: every suite)")
    _finish(parser, _prune)


def _register_snapshot(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "snapshot",
        help="keep a generation as a suite of its own",
        description="Makes a generation readable as a suite of its own, and keeps all it names.",
    )
    parser.add_argument("--suite", required=True, type=args.suite)
    parser.add_argument(
        "--generation",
        type=args.positive,
        help="its number, see debpress history (default: the published one)",
    )
    parser.add_argument(
        "--keep",
        type=args.positive,
        default=KEEP_DAYS,
        metavar="DAYS",
        help=f"for how long it stays (default: {KEEP_DAYS})",
    )
    _finish(parser, _snapshot)


def _finish(parser: argparse.ArgumentParser, run: Any) -> None:
    parser.add_argument(
        "--dry-run", action="store_true", help="only say what would come and go, and change nothing"
    )
    args.add_waiting(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    connection.add_arguments(parser)
    parser.set_defaults(run=run, parser=parser)


def _remove(arguments: argparse.Namespace, clock: Clock) -> int:
    operation = Remove(tuple(arguments.packages), arguments.arch, arguments.force)
    return _one(arguments, clock, operation)


def _copy(arguments: argparse.Namespace, clock: Clock) -> int:
    component = arguments.from_component or arguments.component
    packages = tuple(arguments.packages)
    return _one(arguments, clock, Copy(arguments.source, component, packages, arguments.force))


def _one(arguments: argparse.Namespace, clock: Clock, operation: Operation) -> int:
    _, store = connection.connect(arguments)
    places = [(arguments.suite, arguments.component)]
    repository = configured(store) if arguments.dry_run else None
    return _Operate(arguments, clock, store, repository).run(places, [operation])


def _rollback(arguments: argparse.Namespace, clock: Clock) -> int:
    return _by_configuration(arguments, clock, Rollback(arguments.to))


def _prune(arguments: argparse.Namespace, clock: Clock) -> int:
    return _by_configuration(arguments, clock, Prune())


def _snapshot(arguments: argparse.Namespace, clock: Clock) -> int:
    if arguments.keep > MOST_KEEP_DAYS:
        raise argparse.ArgumentError(None, f"--keep: at most {MOST_KEEP_DAYS} days")
    return _by_configuration(arguments, clock, Snapshot(arguments.generation, arguments.keep))


def _by_configuration(arguments: argparse.Namespace, clock: Clock, operation: Operation) -> int:
    """An operation on whole suites; it needs some component of theirs for its path."""
    _, store = connection.connect(arguments)
    repository = configured(store)
    suites = [s for s in repository.suites if arguments.suite in (None, s.suite)]
    if not suites:
        known = ", ".join(s.suite for s in repository.suites)
        raise ConfigError(f"there is no suite {arguments.suite!r} here; there is {known}")
    places = [(s.suite, s.components[0]) for s in suites]
    return _Operate(arguments, clock, store, repository).run(places, [operation])


class _Operate:
    """Asks for operations in each of some places, or says what they would do."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        clock: Clock,
        store: S3Store,
        repository: Repository | None,
    ) -> None:
        self._arguments = arguments
        self._clock = clock
        self._store = store
        self._repository = repository

    def run(self, places: Sequence[tuple[str, str]], operations: Sequence[Operation]) -> int:
        if self._arguments.dry_run:
            answers = [self._plan(*place, operations) for place in places]
            good = not any(plan["errors"] for plan in answers)
        else:
            answers = self._ask(places, operations)
            good = self._arguments.no_wait or all(a["status"] == "published" for a in answers)
        if self._arguments.json:
            # One place, one object; a prune of every suite is a list, though there be but one.
            several = getattr(self._arguments, "suite", None) is None
            print(json.dumps(answers if several else answers[0], indent=2))
        return 0 if good else 1

    def _ask(
        self, places: Sequence[tuple[str, str]], operations: Sequence[Operation]
    ) -> list[dict[str, Any]]:
        name = waiting.new_id(self._clock)
        asked = []
        for suite, component in places:
            batch = Batch(suite, component, name)
            asked.append((batch, request(self._store, batch, operations)))
        answers = []
        for batch, head in asked:
            if self._arguments.no_wait:
                answers.append(waiting.sent(batch, head))
                self._say(batch.result)
                continue
            answer = waiting.wait(self._store, batch, head, self._clock, self._arguments.timeout)
            snapshot = next((each for each in operations if isinstance(each, Snapshot)), None)
            if snapshot and answer["status"] == "published":
                # The result itself says it all, and spells it out nowhere.
                answer = {**answer, "snapshot": snapshots.of_result(answer)}
            answers.append(answer)
            if not self._arguments.json:
                _print_answer(answer, snapshot)
        return answers

    def _plan(self, suite: str, component: str, operations: Sequence[Operation]) -> dict[str, Any]:
        assert self._repository is not None
        errors: list[dict[str, str]] = []
        packages: list[dict[str, Any]] = []
        try:
            packages = self._dry_run(self._repository, suite, component, operations)
        except RejectedError as error:
            errors = [refusal.as_json() for refusal in error.refusals]
            if any(refusal.code == Code.PRUNE_TOO_MUCH for refusal in error.refusals):
                # What it refuses to do is just what there is to look at.
                unbound = _unbound(self._repository)
                packages = self._dry_run(unbound, suite, component, operations)
        plan = {"dry_run": True, "suite": suite, "packages": packages, "errors": errors}
        if not self._arguments.json:
            if any(isinstance(each, Snapshot) for each in operations):
                print(f"{suite}: {'refused' if errors else 'would make a snapshot'}")
            else:
                _print_plan(suite, packages, refused=bool(errors))
            text.print_errors(errors)
        return plan

    def _dry_run(
        self, repository: Repository, suite: str, component: str, operations: Sequence[Operation]
    ) -> list[dict[str, Any]]:
        return dry_run(self._store, repository, self._clock, suite, component, operations)

    def _say(self, line: str) -> None:
        if not self._arguments.json:
            print(line)


def _print_answer(answer: dict[str, Any], snapshot: Snapshot | None) -> None:
    path = answer.get("snapshot")
    if snapshot is None or path is None:
        text.print_result(answer)
        return
    end = from_iso(answer["started_at"]) + timedelta(days=snapshot.keep_days)
    print(
        f"{path}: generation {answer['generation']}, kept until {iso(end)}\n"
        f"Hosts read it with this line in their .sources, in place of the suite:\n"
        f"Suites: {path}"
    )


def _unbound(repository: Repository) -> Repository:
    suites = tuple(replace(suite, prune_share=1.0) for suite in repository.suites)
    return replace(repository, suites=suites)


def _print_plan(suite: str, packages: Sequence[dict[str, Any]], *, refused: bool) -> None:
    would = [
        f"{verb} {len(found)} ({text.amount(sum(p['size'] for p in found))})"
        for verb, action in (("add", "added"), ("remove", "removed"))
        if (found := [p for p in packages if p["action"] == action])
    ]
    said = [f"would {' and '.join(would)}"] if would else [] if refused else ["nothing to do"]
    print(f"{suite}: {'; '.join(['refused'] * refused + said)}")
    columns = ("action", "package", "version", "architecture")
    text.print_table(sorted([p[c] for c in columns] for p in packages))
