"""prune: the daily schedule asks for a prune of every suite, or says what one would do."""

from __future__ import annotations

from typing import Any

from debpress.adapters.environment import environment
from debpress.adapters.logs import log, logged
from debpress.publish.operations import Prune
from debpress.publish.requests import dry_run, request_prune


@logged
def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    env = environment()
    if event.get("dry_run"):
        return {
            suite.suite: dry_run(
                env.store, env.repository, env.clock, suite.suite, suite.components[0], [Prune()]
            )
            for suite in env.repository.suites
        }
    batches = request_prune(env.store, env.repository, env.clock)
    log("prune", batches=[batch.as_json() for batch in batches])
    return {"requested": [batch.result for batch in batches]}
