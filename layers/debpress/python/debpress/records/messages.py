"""What the state machine gives each step, and what the step answers.

`outcome` is what the machine chooses on. `execution` (and for sign and commit `run`) is for the log
alone, which has it in every line (see `debpress.adapters.logs`). Pointers only, never content: a
state of the machine may hold 256 KiB. docs/architecture.md has the table; a test holds these to the
machine's definition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from debpress.codec import Record, named, optional


@dataclass(frozen=True, slots=True)
class OpenInput(Record):
    """`event` is EventBridge's `Object Created` of a manifest."""

    event: Mapping[str, Any]
    execution: str
    started_at: str


@dataclass(frozen=True, slots=True)
class AdmitInput(Record):
    """`chunk` is the number of one of the plan's."""

    suite: str
    run: str
    chunk: int
    execution: str | None = optional()


class Opened(StrEnum):
    OPENED = "opened"
    REJECTED = "rejected"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class OpenOutput(Record):
    """Where `ignored`, `reason` says why, and `suite` and `run` are None."""

    outcome: Opened
    suite: str | None
    run: str | None
    chunks: tuple[AdmitInput, ...] | None = optional()
    reason: str | None = optional()


@dataclass(frozen=True, slots=True)
class AdmitOutput(Record):
    chunk: int


@dataclass(frozen=True, slots=True)
class QueueInput(Record):
    suite: str
    run: str
    execution: str | None = optional()


class Queued(StrEnum):
    QUEUED = "queued"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class QueueOutput(Record):
    outcome: Queued


@dataclass(frozen=True, slots=True)
class MergeInput(Record):
    """`run` is the caller's own batch, None where nobody uploaded: a set-up, which brings the suite
    in line with its configuration and signs anew, or a heartbeat, which signs when that is due."""

    suite: str
    run: str | None
    heartbeat: bool = False
    execution: str | None = optional()


class Merged(StrEnum):
    MERGED = "merged"
    WAIT = "wait"  # Somebody older leads: wait a second, then merge again.
    DONE = "done"  # In already, or nothing to change.
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class MergeOutput(Record):
    """`suite` is the path that the generation is of: the suite, or a snapshot of it."""

    outcome: Merged
    suite: str | None = optional()
    run: str | None = optional()
    generation: str | None = optional()


@dataclass(frozen=True, slots=True)
class SignInput(Record):
    """`suite` is what merge said."""

    suite: str
    generation: str
    run: str | None = optional()
    execution: str | None = optional()


@dataclass(frozen=True, slots=True)
class SignOutput(Record):
    outcome: str = "signed"


@dataclass(frozen=True, slots=True)
class CommitInput(Record):
    suite: str
    generation: str
    run: str | None = optional()
    execution: str | None = optional()


class Committed(StrEnum):
    COMMITTED = "committed"
    LOST = "lost"  # Wait a second, then merge again.


@dataclass(frozen=True, slots=True)
class CommitOutput(Record):
    outcome: Committed


class Ended(StrEnum):
    PUBLISHED = "published"
    REJECTED = "rejected"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FinishInput(Record):
    """`target` is the path that the generation is of, where it is not the suite but a snapshot of
    it. `error` is what the machine caught: its `Error` is the exception's class."""

    suite: str
    run: str | None
    outcome: Ended
    generation: str | None = None
    target: str | None = None
    error: Mapping[str, Any] | None = None
    execution: str | None = optional()


@dataclass(frozen=True, slots=True)
class FinishOutput(Record):
    """`status` is the result's; None where nobody asked."""

    status: str | None


@dataclass(frozen=True, slots=True)
class RotateInput(Record):
    """A step of a key's rotation, and for the first one to which signer; from which, where there
    are several."""

    rotate: str
    to: str | None = None
    off: str | None = named("from", None)
