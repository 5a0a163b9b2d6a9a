"""mirror: every five minutes a bucket in another Region follows; once an hour it is tidied, too."""

from __future__ import annotations

from typing import Any

from debpress.adapters.environment import environment, prepare
from debpress.adapters.logs import log, logged
from debpress.adapters.replica import mirror_of
from debpress.codec import encode
from debpress.steps import mirror


@logged
def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    done = mirror.run(mirror_of(environment()), tidying=bool(event.get("tidy")))
    answer = encode(done)
    log("mirror", **answer)
    return answer


prepare(mirror_of)
