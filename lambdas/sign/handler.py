"""sign: the one function that may use the key."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from debpress import signing
from debpress.adapters.environment import environment, prepare
from debpress.adapters.kms import services as kms_services
from debpress.adapters.logs import log, logged
from debpress.codec import decode, encode
from debpress.keys import standing
from debpress.keys.certificates import StoredCertificates
from debpress.records.messages.sign import SignInput
from debpress.signing.gnupg import Gnupg
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
        gnupg=_gnupg,
    )
    loading = partial(signing.load, keys=keys)
    load = cache(lambda: standing.load(services.archive, env.repository.signers, loading))
    answer = encode(sign.run(services, decode(SignInput, event), load))
    log("sign", **{**event, **answer}, fingerprints=load().fingerprints())
    return answer


def _gnupg() -> Gnupg:
    from debpress.adapters import gnupg  # noqa: PLC0415 (a tenth of the cold start, of few presses)

    return gnupg.service()


prepare(
    lambda env: (env.services.archive.certificates, env.services.archive.rotation),
    lambda env: env.kms_key and kms_services()(None),
)
