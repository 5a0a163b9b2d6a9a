"""What `open` is given and what it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from debpress.codec import Record, optional
from debpress.records.messages.admit import AdmitInput


@dataclass(frozen=True, slots=True)
class OpenInput(Record):
    """`event` is EventBridge's `Object Created` of a manifest."""

    event: Mapping[str, Any]
    execution: str
    started_at: str


class Opened(StrEnum):
    OPENED = "opened"
    REJECTED = "rejected"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class OpenOutput(Record):
    """`reason` says why an event is `ignored`; `suite` and `run` are None then, and only then."""

    outcome: Opened
    suite: str | None
    run: str | None
    chunks: tuple[AdmitInput, ...] | None = optional()
    reason: str | None = optional()
