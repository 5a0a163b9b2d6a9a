"""What set-up does, once the function's code, layers and configuration are there.

For a step of a key's rotation the event is `{"rotate": "announce", "to": uri, "from": uri}`, the
last two null but where they are needed; the answer is `record`, or `refused`.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from debpress.adapters.environment import begin_to_measure, environment
from debpress.adapters.logs import log, logged
from debpress.adapters.workflow import StepFunctions
from debpress.codec import decode, encode
from debpress.errors import ConfigError, DebpressError
from debpress.keys.rotation import Asked
from debpress.records.messages.rotate import RotateInput
from debpress.steps import rotate
from debpress.steps import set_up as step


def done(event: dict[str, Any]) -> str | None:
    """The fingerprint, where an Update is to what the last successful set-up was for."""
    if event["RequestType"] != "Update":
        return None
    return step.done(environment().services, _properties(event))


def set_up(event: dict[str, Any]) -> str:
    """Sets up, and gives the signing certificate's fingerprint."""
    services = environment().services
    fingerprint = step.run(
        services, _workflow(), event["ResourceProperties"]["Uri"], _properties(event)
    )
    if event["RequestType"] == "Create":
        # The alarms for a prune, a reaping or a look that did not come count from here.
        begin_to_measure(environment())
    return fingerprint


def sign_again() -> None:
    step.sign_again(environment().services, _workflow())


@logged
def rotated(event: dict[str, Any], _context: object) -> dict[str, Any]:
    try:
        message = decode(RotateInput, event)
        asked = Asked(message.rotate, message.to, message.off)
        uri = _required(environment().uri, "DEBPRESS_URI")
        record = rotate.run(environment().services, _workflow(), uri, asked)
    except DebpressError as error:
        log("rotate", asked=event, refused=str(error))
        return {"refused": str(error)}
    log("rotate", asked=event, stage=record.stage, done=record.done)
    return {"record": encode(record)}


def _properties(event: dict[str, Any]) -> str:
    told = json.dumps(event["ResourceProperties"], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _workflow() -> StepFunctions:
    return StepFunctions(_required(environment().state_machine, "DEBPRESS_STATE_MACHINE"))


def _required(value: str | None, name: str) -> str:
    if not value:
        raise ConfigError(f"{name} is not set")
    return value
