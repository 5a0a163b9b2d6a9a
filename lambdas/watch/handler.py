"""watch: every five minutes, how long batches have waited and how old each release is."""

from __future__ import annotations

from typing import Any

from debpress.adapters.environment import environment, prepare
from debpress.adapters.logs import log, logged
from debpress.steps import watch


@logged
def handle(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    said = watch.run(environment().services)
    log("watch", suites=said)
    return said


prepare()
