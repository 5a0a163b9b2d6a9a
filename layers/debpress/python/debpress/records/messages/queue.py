"""What `queue` is given and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from debpress.codec import Record, optional


@dataclass(frozen=True, slots=True)
class QueueInput(Record):
    """`token` is Step Functions', by which the waiting execution is told; None in a workflow from
    before there were any, of which this step queues the batch."""

    suite: str
    run: str
    token: str | None = optional()
    execution: str | None = optional()


class Queued(StrEnum):
    QUEUED = "queued"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class QueueOutput(Record):
    outcome: Queued
