"""An operator: the installed command, and the deployed functions as their schedules call them."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from local import paths
from local.stack import Stack
from tests.support.uploads import Uploads


class Debpress:
    """The installed command, with an operator's credentials."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        outputs = self._uploads.stack.outputs
        connection = ("--endpoint-url", outputs.endpoint_url, "--bucket", outputs.bucket)
        environment = dict(self._uploads.ci.environment)
        del environment["AWS_ENDPOINT_URL"]
        return subprocess.run(
            [paths.BIN / "debpress", *arguments, *connection],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def __call__(self, *arguments: str) -> str:
        """What it printed; it must succeed."""
        done = self.run(*arguments)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))

    def refused(self, *arguments: str) -> str:
        """What it said as it refused, which is no traceback."""
        done = self.run(*arguments)
        assert done.returncode == 1, done
        assert "Traceback" not in done.stderr
        return done.stderr


def invoke(stack: Stack, function: str, **payload: object) -> Any:
    """A function's answer, as the schedule would get it."""
    client = stack.client("lambda")
    done = client.invoke(FunctionName=function, Payload=json.dumps(payload).encode())
    answer = done["Payload"].read()
    assert "FunctionError" not in done, answer
    return json.loads(answer)


def functions(stack: Stack) -> list[str]:
    pages = stack.client("lambda").get_paginator("list_functions").paginate()
    return [each["FunctionName"] for page in pages for each in page["Functions"]]
