"""The record of a read credential, as the front door reads it (`stacks/edge/door.js`)."""

from __future__ import annotations

from dataclasses import dataclass

from debpress.codec import Record, versioned


@versioned
@dataclass(frozen=True, slots=True)
class Token(Record):
    """`sha256` is the secret's, in hexadecimal; the secret itself is nowhere. `since` and `end` are
    times (`2026-11-23T01:02:03Z`); from `end` on it is refused, None is never. `suites` are the
    only ones it may read, None is all."""

    sha256: str
    since: str
    end: str | None = None
    suites: tuple[str, ...] | None = None
