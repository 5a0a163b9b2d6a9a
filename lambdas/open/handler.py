"""open: what an S3 event says was uploaded becomes a run."""

from __future__ import annotations

from typing import Any

from debpress.adapters.environment import environment, prepare
from debpress.adapters.logs import log, logged
from debpress.codec import decode, encode
from debpress.records.messages.open import OpenInput
from debpress.steps import open as step


@logged
def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    message = decode(OpenInput, event)
    answer = encode(step.run(environment().services, message))
    key = message.event["detail"]["object"]["key"]
    log("open", key=key, **{k: v for k, v in answer.items() if k != "chunks"})
    return answer


prepare(lambda env: env.services.archive.runs(""))
