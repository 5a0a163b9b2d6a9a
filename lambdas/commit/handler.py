"""commit: the flip. The one function that may write InRelease."""

from __future__ import annotations

from typing import Any

from debpress.adapters.environment import environment
from debpress.adapters.logs import log, logged
from debpress.publish.committing import commit
from debpress.signing import rotation


@logged
def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    env = environment()
    suite, generation = event["suite"], event["generation"]
    keys = rotation.standing(env.store, env.repository.layout, env.repository.signers)
    outcome = commit(
        env.store,
        env.repository,
        env.clock,
        keys.certificates,
        suite,
        generation,
        others=keys.others,
    )
    log("commit", suite=suite, generation=generation, **outcome)
    return outcome
