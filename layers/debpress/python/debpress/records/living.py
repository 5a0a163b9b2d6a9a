"""Which suites of a pattern there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from debpress.codec import Record, versioned


@versioned
@dataclass(frozen=True, slots=True)
class Living(Record):
    """The suites of one pattern, by name, each with the time (ISO 8601, the store's clock) at which
    it was entered for its first generation. One that is named may have no InRelease: it is on its
    way, or has just ended. One that has an InRelease is named."""

    since: Mapping[str, str]
