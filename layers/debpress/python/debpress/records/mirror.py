"""The note of a replica on what it no longer needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from debpress.codec import Record, versioned


@versioned
@dataclass(frozen=True, slots=True)
class Idle(Record):
    """Since when (by key) the archive has not had an object, nor the replica named it."""

    since: Mapping[str, str]
