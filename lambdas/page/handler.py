"""page: after each flip the pages that people look at are brought up to date."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from debpress.adapters.environment import environment, prepare
from debpress.adapters.logs import log, logged
from debpress.errors import ConfigError
from debpress.steps import page

# Before Lambda ends the call, for what is being written, each try of the SDK's among it.
_RESERVE = timedelta(seconds=90)


@logged
def handle(_event: dict[str, Any], context: Any) -> dict[str, Any]:
    env = environment()
    if not env.uri:
        raise ConfigError("DEBPRESS_URI is not set")
    remaining = timedelta(milliseconds=context.get_remaining_time_in_millis())
    until = env.clock.now() + remaining - _RESERVE
    suites = page.run(env.services, env.uri, until)
    log("page", suites=suites)
    return {"suites": suites}


prepare()
