"""queue: a batch whose packages are all admitted waits to be merged."""

from __future__ import annotations

from typing import Any

from debpress.adapters.environment import environment
from debpress.adapters.logs import log, logged
from debpress.publish.queueing import queue


@logged
def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    env = environment()
    outcome = queue(env.store, env.clock, event["suite"], event["run"])
    log("queue", suite=event["suite"], run=event["run"], **outcome)
    return outcome
