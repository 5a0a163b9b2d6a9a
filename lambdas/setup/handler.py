"""setup: a CloudFormation custom resource that makes a deployed repository a signed one.

The protocol is the CloudFormation user guide's, "Custom resource request/response objects". A
request without an answer blocks the stack for twenty minutes, and one in a roll-back may leave it
in UPDATE_ROLLBACK_FAILED. So this module needs the standard library alone, and answers whatever
breaks: all that is debpress's, `work`, is imported where an exception becomes an answer.

An operator may invoke the function for a step of a key's rotation; see `work.rotated`.
"""

from __future__ import annotations

import json
import logging
import signal
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from importlib import import_module
from typing import Any

_LOGGER = logging.getLogger("debpress")

_LIMIT = 4096  # Bytes of a whole answer.
_PAUSES = (1, 3, 9)  # Seconds between the tries to send it, each of ten seconds at most.
_RESERVE = 60  # Seconds for all of that, before Lambda ends the call.


class Late(BaseException):
    """There is just time enough left to answer. No `Exception`, which an SDK would try again."""


def handle(event: dict[str, Any], context: Any) -> dict[str, Any] | None:
    if "rotate" in event:
        rotated: dict[str, Any] = import_module("work").rotated(event, context)
        return rotated
    again = False
    try:
        with _in_time(context.get_remaining_time_in_millis() // 1000 - _RESERVE):
            again, fingerprint = _act(event)
        answer = {"Status": "SUCCESS", "Data": {"Fingerprint": fingerprint} if fingerprint else {}}
    except (Exception, Late) as error:
        answer = {"Status": "FAILED", "Reason": _printable(f"{type(error).__name__}: {error}")}
        _log(event, answer, error)
    else:
        _log(event, answer)
    _send(event, answer)
    if again:
        import_module("work").sign_again()
    return None


@contextmanager
def _in_time(seconds: int) -> Iterator[None]:
    """Raises `Late` in what takes longer: by a signal, which interrupts a call that hangs, too."""

    def late(*_: object) -> None:
        raise Late("set-up takes longer than its function may run")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(max(seconds, 1))
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _act(event: dict[str, Any]) -> tuple[bool, str | None]:
    """Whether it was done before, and a roll-back asks again; the fingerprint to answer with."""
    if event["RequestType"] == "Delete":
        return False, None  # The bucket is kept, and what hosts read in it.
    work = import_module("work")
    fingerprint = work.done(event)
    return bool(fingerprint), fingerprint or work.set_up(event)


def _log(event: dict[str, Any], answer: dict[str, Any], error: BaseException | None = None) -> None:
    level = logging.ERROR if error else logging.INFO
    said = {"event": "setup", "request": event["RequestType"], **answer}
    _LOGGER.log(level, "setup", extra=said, exc_info=error)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def _send(event: dict[str, Any], answer: dict[str, Any]) -> None:
    """Puts the answer to where CloudFormation waits for it."""
    body = _body(event, answer)
    for pause in (*_PAUSES, None):
        # CloudFormation's own presigned URL, which was signed without a content type.
        request = urllib.request.Request(  # noqa: S310
            event["ResponseURL"], body, {"Content-Type": ""}, method="PUT"
        )
        try:
            urllib.request.urlopen(request, timeout=10).close()  # noqa: S310  # nosec B310
            return
        except (OSError, HTTPException):
            if pause is None:
                raise
            _LOGGER.warning("setup", extra={"event": "unanswered"}, exc_info=True)
            time.sleep(pause)


def _body(event: dict[str, Any], answer: dict[str, Any]) -> bytes:
    """The physical id never changes: another one would tell CloudFormation that the resource was
    replaced, and the old one is to be deleted."""
    about = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    body = json.dumps({**answer, "PhysicalResourceId": "debpress", **about}).encode()
    reason = answer.get("Reason", "")
    if len(body) <= _LIMIT or not reason:
        return body
    # A character may be one byte of JSON or twelve.
    return _body(event, {**answer, "Reason": reason[: len(reason) * 9 // 10]})
