"""sign: the one function that may use the key."""

from __future__ import annotations

from functools import partial
from typing import Any

from debpress import signing
from debpress.adapters import gnupg
from debpress.adapters.environment import environment
from debpress.adapters.kms import services as kms_services
from debpress.adapters.logs import log, logged
from debpress.codec import decode, encode
from debpress.keys import standing
from debpress.keys.certificates import StoredCertificates
from debpress.records.messages import SignInput
from debpress.steps import sign


@logged
def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    env = environment()
    services = env.services
    keys = signing.Keys(
        certificates=StoredCertificates(services.archive, env.clock),
        clock=env.clock,
        kms=kms_services(),
        default_key=env.kms_key,
        user_id=f"{env.repository.suites[0].origin} archive signing key",
        gnupg=gnupg.service,
    )
    loading = partial(signing.load, keys=keys)
    signers = standing.load(services.archive, env.repository.signers, loading)
    answer = encode(sign.run(services, decode(SignInput, event), signers))
    log("sign", **{**event, **answer}, fingerprints=signers.fingerprints())
    return answer
