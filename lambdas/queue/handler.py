"""queue: a batch whose packages are all admitted waits to be merged."""

from __future__ import annotations

from typing import Any

from debpress.adapters.environment import environment
from debpress.adapters.logs import log, logged
from debpress.codec import decode, encode
from debpress.records.messages import QueueInput
from debpress.steps import queue


@logged
def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    answer = encode(queue.run(environment().services, decode(QueueInput, event)))
    log("queue", **{**event, **answer})
    return answer
