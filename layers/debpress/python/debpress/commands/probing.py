"""How long an import takes, by a try of some of its packages."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from debpress.concurrency import THREADS, side_by_side
from debpress.errors import RejectedError, SourceError, TransientError
from debpress.source.place import Place
from debpress.source.plan import Wanted

# Of each package no more is fetched than that, and for no longer.
_MOST = 2 * 10**6
_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast a source gives packages side by side, in bytes a second, by so many of them."""

    a_second: float
    tried: int


def rate(
    place: Place, wanted: Sequence[Wanted], timer: Callable[[], float] = time.monotonic
) -> Rate | None:
    """By a part of some packages, spread over all; None where none of them can be had. Small ones
    are no faster than the source answers, so the figure has that in it."""
    step = max(1, len(wanted) // THREADS)
    tried = wanted[::step][:THREADS]
    begun = timer()

    def fetch(each: Wanted) -> int:
        count = 0
        try:
            for piece in place.stream(each.path) or ():
                count += len(piece)
                if count >= _MOST or timer() - begun > _SECONDS:
                    break
        except (SourceError, TransientError, RejectedError):
            return 0  # The import itself says what is wrong with it.
        return count

    size = sum(side_by_side(fetch, tried))
    return Rate(size / max(timer() - begun, 1e-6), len(tried)) if size else None
