"""Who merges: the batch that stands in the queue longest. The others wait until they are told.

A courtesy, which saves merges that would lose the race: what is right depends on the commit alone.
So it is decided by the queue's listing, and no entry is read for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# How long a batch waits to be told before it merges by itself: whoever leads is dead then, and
# could not even hand over. A flip takes seconds. The workflow has the same number.
PATIENCE = timedelta(seconds=120)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a run stands in the queue, the smallest first: since when, by the store's clock, which
    is everybody's and has whole seconds; and within one second by its name."""

    since: datetime
    run: str


def leads(line: Sequence[Place], run: str) -> bool:
    """Whether a run is to merge what stands in the line.

    An entry that is much older than its own belongs to nobody any more. Where its own is gone,
    somebody has decided it, and a merge finds out what.
    """
    mine = next((place for place in line if place.run == run), None)
    if mine is None:
        return True
    return mine == min(place for place in line if mine.since - place.since < PATIENCE)
