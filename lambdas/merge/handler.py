"""merge: what waits for a suite becomes a generation, not yet visible."""

from __future__ import annotations

from typing import Any

from debpress.adapters.environment import environment, measure
from debpress.adapters.logs import log, logged
from debpress.publish.merging import merge
from debpress.publish.published import validity_used


@logged
def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    env = environment()
    suite, heartbeat = event["suite"], bool(event.get("heartbeat"))
    if heartbeat:
        used = validity_used(env.store, env.repository, env.clock, suite)
        if used is not None:
            measure(env, suite, ValidityUsed=used)
    outcome = merge(env.store, env.repository, env.clock, suite, event["run"], heartbeat=heartbeat)
    log("merge", **{**event, **outcome})
    return outcome
