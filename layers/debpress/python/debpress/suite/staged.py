"""An object that was uploaded, as it is listed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StagedObject:
    """What lies in a batch's place: a file name, bytes, and the state that it is in."""

    name: str
    size: int
    etag: str
