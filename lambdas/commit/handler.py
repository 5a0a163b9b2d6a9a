"""commit: the flip. The one function that may write InRelease."""

from __future__ import annotations

from typing import Any

from debpress.adapters.environment import environment, log
from debpress.publish.committing import commit
from debpress.signing import announced


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    env = environment()
    suite, generation = event["suite"], event["generation"]
    known = announced(env.store, env.repository.layout, env.repository.signers)
    certificates = [certificate.raw for certificate in known]
    outcome = commit(env.store, env.repository, env.clock, certificates, suite, generation)
    log("commit", suite=suite, generation=generation, **outcome)
    return outcome
