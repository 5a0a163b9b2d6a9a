"""finish: results are written, the last thing a publish does."""

from __future__ import annotations

from functools import partial
from typing import Any

from debpress.adapters.environment import environment, measure
from debpress.adapters.logs import log, logged
from debpress.publish.finishing import finish


@logged
def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    env = environment()
    status = finish(
        env.store,
        env.repository,
        env.clock,
        event["suite"],
        event["run"],
        event["outcome"],
        event.get("generation"),
        event.get("error"),
        event.get("target"),
        measure=partial(measure, env),
    )
    log("finish", **{**event, "status": status})
    return {"status": status}
