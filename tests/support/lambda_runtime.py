"""The functions' handlers run in this process by Lambda's own runtime, and the lines they log.

The runtime interface client is what Lambda's Python runtimes are made of: its formatter, its filter
that adds the request's id, and its line of what a handler raises are the real ones. Not real are
Lambda's own lines, `platform.report` among them; they are of the form that the Lambda developer
guide shows ("Lambda Telemetry API Event schema reference").
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import logging
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from debpress.adapters.environment import Environment

from tests.support.fake_kms import FakeKms
from tests.support.press import Press
from tests.support.state_machine import Fault
from tests.support.templates import handler

STEPS = ("open", "admit", "queue", "merge", "sign", "commit", "finish")


class LambdaRuntime:
    """`modules` are the handlers', by the step's name; `environment` what they find around them."""

    def __init__(self, press: Press, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", "JSON")
        self._bootstrap: Any = importlib.reload(importlib.import_module("awslambdaric.bootstrap"))
        self._marshaller = importlib.import_module("awslambdaric.lambda_runtime_marshaller")
        self.written = io.StringIO()
        self._calls = 0
        kms = FakeKms()
        self.environment = Environment(
            bucket="bucket",
            store=press.store,
            repository=press.repository,
            clock=press.clock,
            kms_key=kms.create_key("ECC_NIST_EDWARDS25519"),
            tell=press.tell,
        )
        self.modules: dict[str, ModuleType] = {}
        for name in STEPS:
            module = self.modules[name] = handler(name)
            monkeypatch.setattr(module, "environment", lambda: self.environment)
        monkeypatch.setattr(self.modules["sign"], "kms_services", lambda: kms.service)

    @contextlib.contextmanager
    def logging(self) -> Iterator[None]:
        """The log's set-up, as the runtime makes it before it loads a handler."""
        root = logging.getLogger()
        before = root.level, [*root.handlers], logging.Formatter.converter
        root.handlers = []
        sink = self._bootstrap.StandardLogSink()
        self._bootstrap._setup_logging(
            self._bootstrap._AWS_LAMBDA_LOG_FORMAT, "INFO", sink
        )  # fmt: skip
        try:
            with contextlib.redirect_stdout(self.written):
                yield
        finally:
            level, root.handlers, logging.Formatter.converter = before
            root.setLevel(level)

    def call(self, name: str, payload: dict[str, Any]) -> Any:
        """Raises a Fault for what the handler raises, as Lambda tells Step Functions of it."""
        self._calls += 1
        request = f"00000000-0000-4000-8000-{self._calls:012}"
        said: dict[str, Any] = {}
        client = SimpleNamespace(
            marshaller=self._marshaller.LambdaMarshaller(),
            post_invocation_result=lambda _id, body, *_: said.update(result=body),
            post_invocation_error=lambda _id, body, *_: said.update(error=body),
        )
        with self.logging():
            self._bootstrap._GLOBAL_AWS_REQUEST_ID = request
            self._bootstrap.handle_event_request(
                *(client, self.modules[name].handle, request, json.dumps(payload).encode()),
                *("application/json", None, None, 0, "arn", None),
                self._bootstrap.StandardLogSink(),
            )
            print(json.dumps(_report(request, "error" in said)))
        if "error" in said:
            error = json.loads(said["error"])
            raise Fault(error["errorType"], error["errorMessage"])
        return json.loads(said["result"])

    def lines(self) -> list[dict[str, Any]]:
        """All that was written so far: every line of it is a JSON object."""
        return [json.loads(line) for line in self.written.getvalue().splitlines()]


def _report(request: str, failed: bool) -> dict[str, Any]:
    metrics = {"durationMs": 12.5, "billedDurationMs": 13, "memorySizeMB": 512}
    return {
        "time": "2026-11-23T01:02:03.400Z",
        "type": "platform.report",
        "record": {
            "requestId": request,
            "metrics": {**metrics, "maxMemoryUsedMB": 128},
            "status": "error" if failed else "success",
            **({"errorType": "Function.Unknown"} if failed else {}),
        },
    }
