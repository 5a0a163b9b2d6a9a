"""What `mirror` answers, and `debpress mirror --json` prints."""

from __future__ import annotations

from dataclasses import dataclass

from debpress.codec import Record, optional


@dataclass(frozen=True, slots=True)
class Followed(Record):
    """What a call did for a suite: the generation that the replica shows now (None: none), whether
    this call made it visible, and how many objects it copied."""

    generation: str | None
    flipped: bool
    copied: int


@dataclass(frozen=True, slots=True)
class Tidied(Record):
    """How many of the press's records were copied and how many objects deleted."""

    copied: int
    deleted: int


@dataclass(frozen=True, slots=True)
class Mirrored(Record):
    """By suite; `tidy` only where the call was to tidy as well."""

    suites: dict[str, Followed]
    tidy: Tidied | None = optional()  # noqa: RUF009 (a field of the record)
