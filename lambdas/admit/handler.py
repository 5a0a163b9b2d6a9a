"""admit: the packages of one chunk are validated and put into the pool."""

from __future__ import annotations

from typing import Any

from debpress.adapters.environment import environment, prepare
from debpress.adapters.logs import log, logged
from debpress.codec import decode, encode
from debpress.records.messages.admit import AdmitInput
from debpress.steps import admit


@logged
def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    answer = encode(admit.run(environment().services, decode(AdmitInput, event)))
    log("admit", **{**event, **answer})
    return answer


prepare(lambda env: (env.services.archive.runs(""), env.services.archive.pool))
