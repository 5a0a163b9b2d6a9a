"""What `finish` is given and what it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from debpress.codec import Record, optional


class Ended(StrEnum):
    PUBLISHED = "published"
    REJECTED = "rejected"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FinishInput(Record):
    """`target` is the path of the snapshot that the generation belongs to, None where it belongs to
    the suite. `error` is what the machine caught: its `Error` is the exception's class."""

    suite: str
    run: str | None
    outcome: Ended
    generation: str | None = None
    target: str | None = None
    error: Mapping[str, Any] | None = None
    execution: str | None = optional()


@dataclass(frozen=True, slots=True)
class Following(Record):
    """Where a batch for several suites goes on: in the queue of a suite, as a run of it."""

    suite: str
    run: str


@dataclass(frozen=True, slots=True)
class FinishOutput(Record):
    """`status` is that of the run's result; None where there was no result to write, or none yet,
    since the batch is for several suites: then `next` is where the execution merges next."""

    status: str | None
    next: Following | None = optional()  # noqa: RUF009 (a field of the record)
