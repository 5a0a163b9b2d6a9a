"""What `sign` is given and what it returns."""

from __future__ import annotations

from dataclasses import dataclass

from debpress.codec import Record, optional


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
