"""reap: the hourly schedule deletes what no host can be told of any more."""

from __future__ import annotations

from typing import Any

from debpress.adapters.environment import environment
from debpress.adapters.logs import log, logged
from debpress.steps import reap


@logged
def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    dry_run = bool(event.get("dry_run"))
    reaped = reap.run(environment().services, dry_run=dry_run)
    answer = {"objects": len(reaped.keys), "bytes": reaped.size}
    log("reap", dry_run=dry_run, **answer)
    return answer
