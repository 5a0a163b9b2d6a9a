"""What set-up's function answers CloudFormation, whatever breaks."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import urllib.error
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from debpress.errors import ConfigError

from tests.support.templates import ROOT, handler

ABOUT = {"StackId": "s", "RequestId": "r", "LogicalResourceId": "l"}
FINGERPRINT = "A" * 40


def request(kind: str, url: str = "https://cloudformation.example/x", **more: Any) -> Any:
    properties = {"Uri": "https://bucket.example/apt"}
    return {
        "RequestType": kind, "ResponseURL": url, "ResourceProperties": properties, **ABOUT, **more
    }  # fmt: skip


class Setup:
    """The function, its work as a test wants it, and what CloudFormation is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.module: ModuleType = handler("setup")
        self.monkeypatch = monkeypatch
        self.answers: list[dict[str, Any]] = []
        self.sent: list[bytes] = []
        self.failing: list[Exception] = []
        self.signed_again = 0
        self.seconds = 900
        monkeypatch.setattr(self.module.urllib.request, "urlopen", self._put)
        monkeypatch.setattr(self.module.time, "sleep", lambda _: None)

    def works(
        self,
        set_up: Callable[[Any], str] = lambda _: FINGERPRINT,
        done: Callable[[Any], str | None] = lambda _: None,
    ) -> Setup:
        work = SimpleNamespace(set_up=set_up, done=done, sign_again=self._sign_again)
        self.monkeypatch.setitem(sys.modules, "work", work)
        return self

    def _sign_again(self) -> None:
        assert self.answers, "CloudFormation comes first"
        self.signed_again += 1

    def _put(self, asked: Any, **_: Any) -> Any:
        assert asked.get_method() == "PUT"
        if self.failing:
            raise self.failing.pop(0)
        self.sent.append(asked.data)
        self.answers.append(json.loads(asked.data))
        return SimpleNamespace(close=lambda: None)

    def answer(self, kind: str, **more: Any) -> dict[str, Any]:
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: self.seconds * 1000)
        self.module.handle(request(kind, **more), context)
        return self.answers[-1]


@pytest.fixture
def setup(monkeypatch: pytest.MonkeyPatch) -> Setup:
    return Setup(monkeypatch)


def fails(error: Exception) -> Callable[[Any], Any]:
    def act(_: Any) -> Any:
        raise error

    return act


def test_a_set_up_that_succeeds_gives_the_fingerprint(setup: Setup) -> None:
    said = setup.works().answer("Create")
    assert said == {
        "Status": "SUCCESS", "Data": {"Fingerprint": FINGERPRINT},
        "PhysicalResourceId": "debpress", **ABOUT,
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["Create", "Update"])
@pytest.mark.parametrize("step", ["set_up", "done"])
def test_whatever_breaks_is_answered_with_its_reason(setup: Setup, kind: str, step: str) -> None:
    for error in (ConfigError("suites: is missing"), ImportError("no zstd"), KeyError("Uri")):
        said = setup.works(**{step: fails(error)}).answer(kind)
        assert said["Status"] == "FAILED" and said["PhysicalResourceId"] == "debpress"
        assert said["Reason"].startswith(type(error).__name__)
        assert str(error.args[0]) in said["Reason"]
        assert ABOUT.items() <= said.items() and not setup.signed_again


def test_code_that_cannot_be_imported_is_answered(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "work", None)  # Importing it raises ModuleNotFoundError.
    said = setup.answer("Update")
    assert said["Status"] == "FAILED" and said["Reason"].startswith("ModuleNotFoundError")


def test_without_layers_a_creation_fails_with_a_reason_and_its_deletion_succeeds() -> None:
    """By the function as it is deployed, where nothing but the standard library is there."""
    answers: list[dict[str, Any]] = []

    class CloudFormation(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), CloudFormation) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        events = [request("Create", url), request("Delete", url)]
        script = (
            "import json, sys; sys.path.insert(0, sys.argv[1]); import handler\n"
            "class Context: get_remaining_time_in_millis = lambda self: 900000\n"
            "for event in json.loads(sys.argv[2]): handler.handle(event, Context())"
        )
        subprocess.run(
            [sys.executable, "-I", "-S", "-c", script, ROOT / "lambdas/setup", json.dumps(events)],
            check=True,
            timeout=60,
        )
        server.shutdown()
    assert [said["Status"] for said in answers] == ["FAILED", "SUCCESS"]
    assert "No module named 'debpress'" in answers[0]["Reason"]


def test_what_hangs_is_given_up_while_there_is_time_to_answer(setup: Setup) -> None:
    def hangs(_: Any) -> str:
        reader, writer = socket.socketpair()
        with reader, writer:
            try:
                reader.recv(1)  # Nobody writes.
            except Exception:  # As an SDK would, which tries again.
                reader.recv(1)
        raise AssertionError("it went on")

    setup.seconds = 61
    said = setup.works(hangs).answer("Update")
    assert said["Status"] == "FAILED"
    assert said["Reason"] == "Late: set-up takes longer than its function may run"
    assert signal.alarm(0) == 0  # Nothing rings later on.


def test_a_long_reason_is_cut_to_what_cloudformation_takes(setup: Setup) -> None:
    """Custom resource response objects: 4,096 bytes in all."""
    for text in ("x" * 9000, 'ü"\\\n' * 3000):
        said = setup.works(fails(RuntimeError(text))).answer("Update", StackId="s" * 300)
        assert 3000 < len(setup.sent[-1]) <= 4096
        assert said["Reason"].startswith(f"RuntimeError: {text[:2]}")
        assert said["StackId"] == "s" * 300 and said["Reason"].isprintable()


def test_an_answer_that_does_not_get_through_is_sent_again(setup: Setup) -> None:
    unavailable = urllib.error.HTTPError("url", 503, "Slow Down", http.client.HTTPMessage(), None)
    setup.failing = [unavailable, TimeoutError(), http.client.BadStatusLine("")]
    assert setup.works().answer("Create")["Status"] == "SUCCESS"
    # Nobody can be told then; the call fails, which rings.
    setup.failing = [TimeoutError() for _ in range(9)]
    with pytest.raises(TimeoutError):
        setup.answer("Update")
    assert len(setup.answers) == 1


def test_a_roll_back_to_the_last_success_is_answered_first_and_signed_after(setup: Setup) -> None:
    said = setup.works(fails(RuntimeError("disabled")), lambda _: FINGERPRINT).answer("Update")
    assert said["Status"] == "SUCCESS" and said["Data"] == {"Fingerprint": FINGERPRINT}
    assert setup.signed_again == 1
