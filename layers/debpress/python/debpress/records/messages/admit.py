"""What `admit` is given and what it returns."""

from __future__ import annotations

from dataclasses import dataclass

from debpress.codec import Record, optional


@dataclass(frozen=True, slots=True)
class AdmitInput(Record):
    """`chunk` is an index of the plan's `chunks`."""

    suite: str
    run: str
    chunk: int
    execution: str | None = optional()


@dataclass(frozen=True, slots=True)
class AdmitOutput(Record):
    chunk: int
