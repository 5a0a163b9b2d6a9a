"""The input that the state machine gives each step, and the output that the step returns.

By `outcome` the machine chooses its next state. `execution` (and for sign and commit `run`) is only
for the log, whose lines all carry it (see `debpress.adapters.logs`). Messages hold names and
numbers, never content: Step Functions takes at most 256 KiB a state ("Service quotas").
docs/architecture.md has the table of messages; a test compares them with the machine's definition.
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
    """`chunk` is an index of the plan's `chunks`."""

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
    """`reason` says why an event is `ignored`; `suite` and `run` are None then, and only then."""

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
    """`run` is the run of this execution, None where there is no batch: for a set-up, which brings
    the suite in line with its configuration and signs it anew, and for a heartbeat, which signs
    the suite anew when enough of its validity is over."""

    suite: str
    run: str | None
    heartbeat: bool = False
    execution: str | None = optional()


class Merged(StrEnum):
    MERGED = "merged"
    WAIT = "wait"  # A batch that waits longer is to merge first: wait a second, then merge again.
    DONE = "done"  # The batch is published already, or there is nothing to change.
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class MergeOutput(Record):
    """`suite` is the path below dists/ of the generation: a suite's or a snapshot's."""

    outcome: Merged
    suite: str | None = optional()
    run: str | None = optional()
    generation: str | None = optional()


@dataclass(frozen=True, slots=True)
class SignInput(Record):
    """`suite` is the path that merge returned."""

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
    LOST = "lost"  # Another flip came first: wait a second, then merge again.


@dataclass(frozen=True, slots=True)
class CommitOutput(Record):
    outcome: Committed


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
class FinishOutput(Record):
    """`status` is that of the run's result; None where there was no result to write."""

    status: str | None


@dataclass(frozen=True, slots=True)
class RotateInput(Record):
    """`rotate` is the step of a key's rotation. The first step (`announce`) names the new signer in
    `to`, and, where several are configured, the old one in `from`. Both are URIs."""

    rotate: str
    to: str | None = None
    off: str | None = named("from", None)
