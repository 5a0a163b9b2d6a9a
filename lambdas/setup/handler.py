"""setup: a CloudFormation custom resource that makes a deployed repository a signed one.

The protocol is the CloudFormation user guide's, "Custom resource request/response objects".
"""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from debpress.adapters.environment import environment, log
from debpress.adapters.workflow import StepFunctions
from debpress.errors import ConfigError
from debpress.publish.setting_up import set_up


def handle(event: dict[str, Any], _context: object) -> None:
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
    if not env.state_machine:
        raise ConfigError("DEBPRESS_STATE_MACHINE is not set")
    workflow = StepFunctions(env.state_machine)
    uri = event["ResourceProperties"]["Uri"]
    return {"Fingerprint": set_up(env.store, env.repository, env.clock, workflow, uri)}
