"""What `merge` is given and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from debpress.codec import Record, optional


@dataclass(frozen=True, slots=True)
class MergeInput(Record):
    """`run` is the run of this execution, None where there is no batch: for a set-up, which brings
    the suite in line with its configuration and signs it anew, and for a heartbeat, which signs
    the suite anew when enough of its validity is over.

    `queued` says that this execution has merged before, so its batch is in the queue. `lead` says
    that it has waited, and merges whoever else waits.
    """

    suite: str
    run: str | None
    heartbeat: bool = False
    queued: bool = False
    lead: bool = False
    execution: str | None = optional()


class Merged(StrEnum):
    MERGED = "merged"
    WAIT = "wait"  # A batch that waits longer leads: wait to be told (`queue`).
    DONE = "done"  # The batch is published already, or there is nothing to change.
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class MergeOutput(Record):
    """`suite` is the path below dists/ of the generation: a suite's or a snapshot's."""

    outcome: Merged
    suite: str | None = optional()
    run: str | None = optional()
    generation: str | None = optional()
