"""Calls a Lambda function and waits for its response, on botocore."""

from __future__ import annotations

import json
from typing import Any

from debpress.adapters import aws
from debpress.errors import StoreError

# A little more than the 15 minutes that a function may run. The call is made once: if its response
# is lost, a second call would run the function a second time.
_READ_SECONDS = 910


def invoke(
    name: str, event: dict[str, Any], *, region: str | None = None, endpoint_url: str | None = None
) -> dict[str, Any]:
    """The function's response, a JSON object. Raises TransientError or StoreError.

    IAM: lambda:InvokeFunction on the function.
    """
    with aws.translated(f"call the function {name}", "lambda:InvokeFunction on it"):
        client = aws.client(
            "lambda",
            region=region,
            endpoint_url=endpoint_url,
            read_seconds=_READ_SECONDS,
            attempts=1,
        )
        answer = client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        data = json.loads(answer["Payload"].read() or b"null")
    if answer.get("FunctionError") or not isinstance(data, dict):
        said = data.get("errorMessage") if isinstance(data, dict) else data
        raise StoreError(f"The function {name} failed: {said}. Its log says more.")
    return data
