"""prune: the daily schedule asks for a prune of every suite, or says what one would do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from debpress.adapters.environment import environment, prepare
from debpress.adapters.logs import log, logged
from debpress.clock import from_iso
from debpress.codec import encode
from debpress.inspection.preview import preview
from debpress.steps import prune
from debpress.steps.services import Services


@logged
def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    services = environment().services
    if event.get("dry_run"):
        return _preview(services)
    batches = prune.run(services, _scheduled(event))
    log("prune", batches=[encode(batch) for batch in batches])
    return {"requested": [batch.result for batch in batches]}


def _scheduled(event: dict[str, Any]) -> datetime | None:
    """The time that the schedule's call is for; None where a person calls, or a schedule that does
    not put a time in the place of its name."""
    try:
        return from_iso(event["scheduled"])
    except (KeyError, ValueError):
        return None


def _preview(services: Services) -> dict[str, Any]:
    archive, repository = services.archive, services.repository
    return {
        suite.suite: [
            encode(outcome)
            for outcome in preview(
                archive, repository, suite.suite, suite.components[0], prune.ASKED
            )
        ]
        for suite in prune.suites(services)
    }


prepare()
