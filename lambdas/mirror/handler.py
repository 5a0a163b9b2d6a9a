"""mirror: every five minutes a bucket in another Region follows; once an hour it is tidied, too."""

from __future__ import annotations

from typing import Any

from debpress.adapters.environment import environment, prepare
from debpress.adapters.logs import log, logged
from debpress.adapters.replica import mirror_of
from debpress.steps import mirror, tidy


@logged
def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    pair = mirror_of(environment())
    answer: dict[str, Any] = {
        "suites": {
            suite: {"generation": each.generation, "flipped": each.flipped, "copied": each.copied}
            for suite, each in mirror.run(pair).items()
        }
    }
    if event.get("tidy"):
        done = tidy.run(pair)
        answer["tidy"] = {"copied": done.copied, "deleted": done.deleted}
    log("mirror", **answer)
    return answer


prepare(mirror_of)
