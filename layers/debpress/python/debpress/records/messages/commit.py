"""What `commit` is given and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from debpress.codec import Record, optional


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
