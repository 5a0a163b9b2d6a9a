"""reap: the hourly schedule deletes what no host can be told of any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from debpress.adapters.environment import environment, prepare
from debpress.adapters.logs import log, logged
from debpress.steps import reap

# Before Lambda ends the call, for the deletions under way, each tried again by the SDK, and the
# report on them.
_RESERVE = timedelta(seconds=90)


@logged
def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    dry_run = bool(event.get("dry_run"))
    services = environment().services
    remaining = timedelta(milliseconds=context.get_remaining_time_in_millis())
    until = services.clock.now() + remaining - _RESERVE
    reaped = reap.run(services, dry_run=dry_run, until=until)
    answer = {"objects": len(reaped.keys), "bytes": reaped.size, "left": reaped.left}
    log("reap", dry_run=dry_run, **answer)
    return answer


prepare()
