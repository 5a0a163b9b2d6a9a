"""What a suite publishes now, and how far back it can go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from debpress.clock import iso
from debpress.index.release import Release
from debpress.records.generation import Generation, Parent


@dataclass(frozen=True, slots=True)
class Published:
    """The InRelease of a suite. `now` is the store's clock, not this machine's: one clock dates
    every flip, whichever machine makes it. `expires` is the end of a snapshot, or of a suite of a
    pattern; None where there is none."""

    release: Release
    etag: str
    last_modified: datetime
    generation: str | None
    now: datetime
    expires: datetime | None = None

    def as_parent(self) -> Parent:
        return Parent(self.etag, iso(self.last_modified), self.generation)


def within_grace(
    chain: Iterable[Generation], state: Published, grace: timedelta, wanted: int
) -> Generation | None:
    """The record of the generation of a number, if it was served within the grace.

    No farther back than that, though all of it may still be there: the reaper might be deleting
    just then, and no check of ours would see that in time. `chain` is the whole of the suite's.
    """
    oldest = state.now - grace
    ended, flipped = state.now, state.last_modified
    for record in takewhile(lambda record: record.number >= wanted, chain):
        if ended < oldest:
            return None
        if record.number == wanted:
            return record
        if record.parent is None:
            return None  # In an earlier life of the suite, of which the reaper knows more.
        ended = flipped
        flipped = record.parent.modified
    return None
