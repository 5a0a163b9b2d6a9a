"""Calling a Lambda function and waiting for its answer, by boto3."""

from __future__ import annotations

import json
from typing import Any

from debpress.adapters import aws
from debpress.errors import StoreError

# A function runs 15 minutes at most; and a call that was lost is not made again by itself.
_READ_SECONDS = 910


def invoke(
    name: str, event: dict[str, Any], *, region: str | None = None, endpoint_url: str | None = None
) -> dict[str, Any]:
    """The function's answer, a JSON object. Raises TransientError or StoreError.

    IAM: lambda:InvokeFunction on it.
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
