"""Asks for an operation: uploads an operations.json for each component, and prints the results."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from debpress.clock import Clock, from_iso, iso
from debpress.commands import connection, text, waiting
from debpress.layout import OPERATIONS, Batch
from debpress.records.result import Result
from debpress.suite import snapshot
from debpress.suite.operations import Operation, Snapshot, as_manifest


def ask(
    arguments: argparse.Namespace,
    clock: Clock,
    places: Sequence[tuple[str, str]],
    operation: Operation,
) -> list[dict[str, Any]]:
    """Asks in all `places` (pairs of suite and component) at first, then waits for each result.

    Returns the results; with `--no-wait`, where each result will be found. Prints them unless
    `--json`.
    """
    _, store = connection.connect(arguments)
    name = waiting.new_id(clock)
    batches = [Batch(suite, component, name) for suite, component in places]
    body = as_manifest([operation])
    asked = [(batch, store.put(batch.staging + OPERATIONS, body)) for batch in batches]
    answers = []
    for batch, head in asked:
        if arguments.no_wait:
            answers.append(waiting.sent(batch, head))
            if not arguments.json:
                print(batch.result)
            continue
        result = waiting.wait(store, batch, head, clock, arguments.timeout)
        path = None
        if isinstance(operation, Snapshot) and result.status == "published":
            # Results have no field for the snapshot's path; it follows from other fields.
            path = snapshot.of_result(result)
        answers.append({**text.as_json(result), **({"snapshot": path} if path else {})})
        if not arguments.json:
            _print(result, operation, path)
    return answers


def _print(result: Result, operation: Operation, path: str | None) -> None:
    """Prints the outcome of an operation; `path` is that of the snapshot that was made, if any."""
    if path is not None and isinstance(operation, Snapshot):
        _print_snapshot(result, operation, path)
    else:
        text.print_result(result)


def _print_snapshot(result: Result, operation: Snapshot, path: str) -> None:
    end = from_iso(result.started_at) + timedelta(days=operation.keep_days)
    print(
        f"{path}: generation {result.generation}, kept until {iso(end)}\n"
        f"Hosts read it with this line in their .sources, in place of the suite:\n"
        f"Suites: {path}"
    )
