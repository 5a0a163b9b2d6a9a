"""Law 2: the Last-Modified of InRelease rises by a whole second at least from flip to flip.

apt asks with If-Modified-Since, which has whole seconds. After two flips in one second, a host that
has read the first would be answered 304 (not modified), and would miss the second.
"""

from __future__ import annotations

from datetime import timedelta

from debpress.archive.headers import GENERATION
from debpress.archive.suite import SuiteArchive
from debpress.clock import Clock
from debpress.errors import TransientError
from debpress.records.generation import Generation
from debpress.store import Object, PreconditionFailed
from debpress.suite.published import Published

_SECOND = timedelta(seconds=1)

# Seconds. One is usual; a longer wait means that the store's clock went back, and is left to the
# state machine, where waiting costs nothing, unlike a running function.
_LONGEST_WAIT = 5.0


def leave_a_second(clock: Clock, state: Published | None) -> None:
    """Waits until the store's clock has left the second of the last flip. Raises TransientError
    where that would take more than a few seconds."""
    if state is None:
        return
    modified = state.last_modified
    wait = (modified.replace(microsecond=0) + _SECOND - state.now).total_seconds()
    if wait > _LONGEST_WAIT:
        raise TransientError(
            f"the last flip was at {modified}, by the store's clock, which now says {state.now}; "
            "this passes when the clock is beyond that"
        )
    # The store's clock (a Date header) is cut to whole seconds: the true time is up to a second
    # later and never earlier, so this wait is always long enough.
    if wait > 0:
        clock.sleep(wait + 0.05)


def see_it_rise(suite: SuiteArchive, clock: Clock, record: Generation) -> Object | None:
    """Checks after the put that Last-Modified is later than the parent's; where both fell into the
    same second, puts the same InRelease again. Returns the InRelease that was looked at last.

    Raises TransientError where that does not help.
    """
    for _ in range(3):
        found = suite.inrelease()
        if found is None or found.head.metadata.get(GENERATION) != record.id:
            return found  # Another flip has replaced it already, and does this check for itself.
        if record.parent is None or found.head.last_modified > record.parent.modified:
            return found
        clock.sleep(1.05)
        try:
            suite.put_inrelease(record, found.body, found.head.etag)
        except PreconditionFailed:
            return None
    raise TransientError(
        f"the Last-Modified of the InRelease of {suite.path} does not rise; this passes with time"
    )
