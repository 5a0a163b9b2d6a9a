"""The functions' log: a line is a JSON object that says which step of which publish it is of.

With Lambda's JSON log format, the runtime turns each record of `logging` into such a line: it adds
timestamp, level and requestId, and for an exception errorType, errorMessage and stackTrace (Lambda
developer guide, "Log and monitor Python Lambda functions"). Printed lines are passed on unchanged.
Only the standard library is used, so logging adds nothing to a cold start. docs/runbook.md has the
queries that read these lines.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any

_LOGGER = logging.getLogger("debpress")
# At INFO, botocore would write a line at each cold start on where it found its credentials.
logging.getLogger("botocore").setLevel(logging.WARNING)

_SHARED = ("execution", "suite", "run")
_bound: ContextVar[dict[str, Any]] = ContextVar("bound", default={})  # noqa: B039 (never changed)

Handler = Callable[[dict[str, Any], object], Any]


def logged(handle: Handler) -> Handler:
    """Wraps a handler: each line that it logs has the `execution`, `suite` and `run` of its event.

    An exception is logged with these fields as `failed` and raised again. Lambda logs it once more,
    without the fields.
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
    """Writes one line. `fields` win over those of the handler's event. A field that is None is left
    out, and a value that JSON does not know is written as text.
    """
    _write(logging.INFO, event, fields)


def _write(level: int, event: str, fields: dict[str, Any]) -> None:
    said = _plain({**_bound.get(), **fields, "event": event})
    _LOGGER.log(level, event, extra=said, exc_info=level >= logging.ERROR)


def _plain(value: Any) -> Any:
    """A value that Lambda's formatter can write, without control characters for a terminal: the
    formatter escapes nothing that is not ASCII, and fails at values that are no JSON or UTF-8."""
    match value:
        case None | bool() | int() | float():
            return value
        case dict():
            return {_plain(str(key)): _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
    text = str(value)
    return text if text.isprintable() else repr(text)[1:-1]
