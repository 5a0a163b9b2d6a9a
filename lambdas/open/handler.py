"""open: what an S3 event says was uploaded becomes a run."""

from __future__ import annotations

from typing import Any

from debpress.adapters.environment import environment
from debpress.adapters.logs import log, logged
from debpress.publish.opening import Upload, open_batch


@logged
def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    env = environment()
    upload = Upload.of_event(event["event"])
    outcome = open_batch(
        env.store, env.repository, env.clock, upload, event["execution"], event["started_at"]
    )
    log("open", key=upload.key, **{k: v for k, v in outcome.items() if k != "chunks"})
    return outcome
