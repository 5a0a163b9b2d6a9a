"""The functions' log: a line is a JSON object that says which step of which publish it is of.

Lambda's JSON format makes the line of a record of `logging`: it adds timestamp, level and
requestId, and of an exception errorType, errorMessage and stackTrace (Lambda developer guide, "Log
and monitor Python Lambda functions"). What a function prints is passed on as it is. It takes
no package beyond the standard library, so it adds nothing to a cold start. docs/runbook.md has the
queries that read these lines.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any

_LOGGER = logging.getLogger("debpress")
# Else each cold start has a line of where the SDK found its credentials.
logging.getLogger("botocore").setLevel(logging.WARNING)

_SHARED = ("execution", "suite", "run")
_bound: ContextVar[dict[str, Any]] = ContextVar("bound", default={})  # noqa: B039 (never changed)

Handler = Callable[[dict[str, Any], object], Any]


def logged(handle: Handler) -> Handler:
    """A handler whose every line says the `execution`, `suite` and `run` that its event names.

    What it raises is logged with them as `failed`, and goes on. Lambda logs it once more, without.
    """

    @wraps(handle)
    def bound(event: dict[str, Any], context: object) -> Any:
        token = _bound.set({key: event[key] for key in _SHARED if key in event})
        try:
            return handle(event, context)
        except Exception:
            _write(logging.ERROR, "failed", {})
            raise
        finally:
            _bound.reset(token)

    return bound


def log(event: str, /, **fields: Any) -> None:
    """Writes one line. A field that the handler's event has too is the field's. None is left out,
    and what is no JSON value is written as its text.
    """
    _write(logging.INFO, event, fields)


def _write(level: int, event: str, fields: dict[str, Any]) -> None:
    said = _plain({**_bound.get(), **fields, "event": event})
    _LOGGER.log(level, event, extra=said, exc_info=level >= logging.ERROR)


def _plain(value: Any) -> Any:
    """A value that Lambda's formatter can write, with nothing in it that a terminal obeys: it
    leaves what is not ASCII as it is, and fails at what is no JSON or no UTF-8."""
    match value:
        case None | bool() | int() | float():
            return value
        case dict():
            return {_plain(str(key)): _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
    text = str(value)
    return text if text.isprintable() else repr(text)[1:-1]
