"""sign: the one function that may use the key."""

from __future__ import annotations

from functools import partial
from typing import Any

from debpress import signing
from debpress.adapters import gnupg
from debpress.adapters.environment import environment
from debpress.adapters.kms import services
from debpress.adapters.logs import log, logged
from debpress.publish.signature import sign
from debpress.signing import rotation


@logged
def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    env = environment()
    loading = partial(
        signing.load,
        store=env.store,
        layout=env.repository.layout,
        clock=env.clock,
        kms=services(),
        default_key=env.kms_key,
        user_id=f"{env.repository.suites[0].origin} archive signing key",
        gnupg=gnupg.service,
    )
    signers = rotation.load(
        env.repository.signers,
        store=env.store,
        layout=env.repository.layout,
        loading=loading,
    )
    suite, generation = event["suite"], event["generation"]
    sign(env.store, env.repository, env.clock, signers, suite, generation)
    log("sign", suite=suite, generation=generation, fingerprints=signers.fingerprints())
    return {"outcome": "signed"}
