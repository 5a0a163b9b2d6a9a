"""queue: a batch whose turn it is not waits to be told."""

from __future__ import annotations

from typing import Any

from debpress.adapters.environment import environment, prepare
from debpress.adapters.logs import log, logged
from debpress.codec import decode, encode
from debpress.records.messages.queue import QueueInput
from debpress.steps import queue


@logged
def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    answer = encode(queue.run(environment().services, decode(QueueInput, event)))
    # Whoever has the token can wake the execution.
    log("queue", **{**{key: event[key] for key in event if key != "token"}, **answer})
    return answer


prepare()
