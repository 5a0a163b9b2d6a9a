"""merge: what waits for a suite becomes a generation, not yet visible."""

from __future__ import annotations

from typing import Any

from debpress.adapters.environment import environment, prepare
from debpress.adapters.logs import log, logged
from debpress.codec import decode, encode
from debpress.records.messages.merge import MergeInput
from debpress.steps import merge


@logged
def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    answer = encode(merge.run(environment().services, decode(MergeInput, event)))
    log("merge", **{**event, **answer})
    return answer


prepare(lambda env: env.services.archive.departures(""))
