"""merge: what waits for a suite becomes a generation, not yet visible."""

from __future__ import annotations

from typing import Any

from debpress.adapters.environment import environment, log
from debpress.publish.merging import merge


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    env = environment()
    outcome = merge(env.store, env.repository, env.clock, event["suite"], event["run"])
    log("merge", **{**event, **outcome})
    return outcome
