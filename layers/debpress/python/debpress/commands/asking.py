"""Asking for an operation: an operations.json in each place, and what became of it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from debpress.clock import Clock, from_iso, iso
from debpress.commands import text, waiting
from debpress.layout import Batch
from debpress.publish import snapshots
from debpress.publish.operations import Operation, Snapshot
from debpress.publish.requests import request

if TYPE_CHECKING:
    from debpress.adapters.s3 import S3Store


def ask(
    arguments: argparse.Namespace,
    store: S3Store,
    clock: Clock,
    places: Sequence[tuple[str, str]],
    operation: Operation,
) -> list[dict[str, Any]]:
    """Asks in every place, a suite and a component, at once; then waits for one after the other.

    Gives the results, or with `--no-wait` what tells them later, and prints each unless `--json`.
    """
    name = waiting.new_id(clock)
    batches = [Batch(suite, component, name) for suite, component in places]
    asked = [(batch, request(store, batch, [operation])) for batch in batches]
    answers = []
    for batch, head in asked:
        if arguments.no_wait:
            answer = waiting.sent(batch, head)
        else:
            answer = waiting.wait(store, batch, head, clock, arguments.timeout)
            if isinstance(operation, Snapshot) and answer["status"] == "published":
                # The result itself says it all, and spells it out nowhere.
                answer = {**answer, "snapshot": snapshots.of_result(answer)}
        answers.append(answer)
        if not arguments.json:
            _print(answer, operation, batch.result if arguments.no_wait else None)
    return answers


def _print(answer: dict[str, Any], operation: Operation, later: str | None) -> None:
    """What became of it; or with `later` the key where the result will be."""
    if later is not None:
        print(later)
    elif isinstance(operation, Snapshot) and answer.get("snapshot") is not None:
        _print_snapshot(answer, operation)
    else:
        text.print_result(answer)


def _print_snapshot(answer: dict[str, Any], snapshot: Snapshot) -> None:
    path = answer["snapshot"]
    end = from_iso(answer["started_at"]) + timedelta(days=snapshot.keep_days)
    print(
        f"{path}: generation {answer['generation']}, kept until {iso(end)}\n"
        f"Hosts read it with this line in their .sources, in place of the suite:\n"
        f"Suites: {path}"
    )
