"""commit: the flip. The one function that may write InRelease."""

from __future__ import annotations

from functools import partial
from typing import Any

from debpress.adapters.environment import environment, prepare
from debpress.adapters.logs import log, logged
from debpress.codec import decode, encode
from debpress.keys.standing import standing
from debpress.records.messages.commit import CommitInput
from debpress.steps import commit


@logged
def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    services = environment().services
    keys = partial(standing, services.archive, services.repository.signers)
    answer = encode(commit.run(services, decode(CommitInput, event), keys))
    log("commit", **{**event, **answer})
    return answer


prepare(lambda env: (env.services.archive.certificates, env.services.archive.rotation))
