"""reap: the daily schedule deletes what no host can be told of any more."""

from __future__ import annotations

from functools import partial
from typing import Any

from debpress.adapters.environment import environment, measure
from debpress.adapters.logs import log, logged
from debpress.publish.reaping import reap


@logged
def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    env = environment()
    dry_run = bool(event.get("dry_run"))
    measured = partial(measure, env)
    reaped = reap(env.store, env.repository, env.clock, dry_run=dry_run, measure=measured)
    log("reap", dry_run=dry_run, objects=len(reaped.keys), bytes=reaped.size)
    return {"objects": len(reaped.keys), "bytes": reaped.size}
