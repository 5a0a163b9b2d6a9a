"""admit: the packages of one chunk are validated and put into the pool."""

from __future__ import annotations

from typing import Any

from debpress.adapters.environment import environment
from debpress.adapters.logs import log, logged
from debpress.publish.admission import admit


@logged
def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    env = environment()
    admit(env.store, env.repository, event["suite"], event["run"], event["chunk"])
    log("admit", **event)
    return {"chunk": event["chunk"]}
