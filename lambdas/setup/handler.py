"""setup: a CloudFormation custom resource that makes a deployed repository a signed one.

The protocol is the CloudFormation user guide's, "Custom resource request/response objects".

An operator may invoke it for a step of a key's rotation, `{"rotate": "announce", "to": uri, "from":
uri}`, the last two null but where they are needed; it answers with `record`, or with `refused`.
"""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from debpress.adapters.environment import environment
from debpress.adapters.logs import log, logged
from debpress.adapters.workflow import StepFunctions
from debpress.codec import decode, encode
from debpress.errors import ConfigError, DebpressError
from debpress.keys.rotation import Asked
from debpress.records.messages import RotateInput
from debpress.steps import rotate, set_up


@logged
def handle(event: dict[str, Any], _context: object) -> dict[str, Any] | None:
    if "rotate" in event:
        return _rotate(event)
    _answer(event)
    return None


def _rotate(event: dict[str, Any]) -> dict[str, Any]:
    env = environment()
    try:
        message = decode(RotateInput, event)
        asked = Asked(message.rotate, message.to, message.off)
        workflow = StepFunctions(_required(env.state_machine, "DEBPRESS_STATE_MACHINE"))
        uri = _required(env.uri, "DEBPRESS_URI")
        record = rotate.run(env.services, workflow, uri, asked)
    except DebpressError as error:
        log("rotate", asked=event, refused=str(error))
        return {"refused": str(error)}
    log("rotate", asked=event, stage=record.stage, done=record.done)
    return {"record": encode(record)}


def _required(value: str | None, name: str) -> str:
    if not value:
        raise ConfigError(f"{name} is not set")
    return value


def _answer(event: dict[str, Any]) -> None:
    try:
        answer = {"Status": "SUCCESS", "Data": _act(event)}
    except Exception as error:  # CloudFormation waits an hour for an answer that does not come.
        answer = {"Status": "FAILED", "Reason": f"{type(error).__name__}: {error}"[:2000]}
    log("setup", request=event["RequestType"], **answer)
    body = {
        **answer,
        "PhysicalResourceId": "debpress",
        **{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
    }
    request = urllib.request.Request(  # noqa: S310 (CloudFormation's own presigned URL)
        event["ResponseURL"], json.dumps(body).encode(), {"Content-Type": ""}, method="PUT"
    )
    urllib.request.urlopen(request, timeout=30).close()  # noqa: S310  # nosec B310


def _act(event: dict[str, Any]) -> dict[str, str]:
    if event["RequestType"] == "Delete":
        return {}  # The bucket is kept, and what hosts read in it.
    env = environment()
    workflow = StepFunctions(_required(env.state_machine, "DEBPRESS_STATE_MACHINE"))
    uri = event["ResourceProperties"]["Uri"]
    return {"Fingerprint": set_up.run(env.services, workflow, uri)}
