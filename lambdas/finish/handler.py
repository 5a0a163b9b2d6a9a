"""finish: results are written, the last thing a publish does."""

from __future__ import annotations

from typing import Any

from debpress.adapters.environment import environment, prepare
from debpress.adapters.logs import log, logged
from debpress.codec import decode, encode
from debpress.records.messages.finish import FinishInput
from debpress.steps import finish


@logged
def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    env = environment()
    answer = encode(finish.run(env.services, decode(FinishInput, event), env.uri))
    log("finish", **{**event, **answer})
    return answer


prepare(lambda env: env.services.archive.results)
