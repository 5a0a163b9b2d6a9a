"""commit: the flip. The one function that may write InRelease."""

from __future__ import annotations

from typing import Any

from debpress.adapters.environment import environment, log
from debpress.publish.committing import commit
from debpress.signing import stored_certificates


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    env = environment()
    suite, generation = event["suite"], event["generation"]
    certificates = stored_certificates(env.store)
    outcome = commit(env.store, env.repository, env.clock, certificates, suite, generation)
    log("commit", suite=suite, generation=generation, **outcome)
    return outcome
