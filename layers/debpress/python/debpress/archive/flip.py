"""Law 2: InRelease's Last-Modified rises by whole seconds, because apt asks by these alone.

apt sends If-Modified-Since, which has whole seconds: of two flips in one second a host that saw the
first is told 304 at the second, and goes on without it.
"""

from __future__ import annotations

from datetime import timedelta

from debpress.archive.headers import GENERATION
from debpress.archive.suite import SuiteArchive
from debpress.clock import Clock
from debpress.errors import TransientError
from debpress.records.generation import Generation
from debpress.store import PreconditionFailed
from debpress.suite.published import Published

_SECOND = timedelta(seconds=1)

# A second is usual. More means that the store's clock went back, and a function's time costs.
_LONGEST_WAIT = 5.0


def leave_a_second(clock: Clock, state: Published | None) -> None:
    """Waits until the store's clock is beyond the second of the last flip. Raises TransientError
    where that would take long."""
    if state is None:
        return
    modified = state.last_modified
    wait = (modified.replace(microsecond=0) + _SECOND - state.now).total_seconds()
    if wait > _LONGEST_WAIT:
        raise TransientError(
            f"the last flip was at {modified}, by the store's clock, which now says {state.now}; "
            "this passes when the clock is beyond that"
        )
    # The store tells whole seconds, so it may be up to one later than it says, never earlier.
    if wait > 0:
        clock.sleep(wait + 0.05)


def see_it_rise(suite: SuiteArchive, clock: Clock, record: Generation) -> None:
    """Checks Last-Modified after the put; where the store's seconds were equal, puts the same
    again. Raises TransientError where that does not help."""
    for _ in range(3):
        found = suite.inrelease()
        if found is None or found.head.metadata.get(GENERATION) != record.id:
            return  # The next flip is there already, and looks after itself.
        if record.parent is None or found.head.last_modified > record.parent.modified:
            return
        clock.sleep(1.05)
        try:
            suite.put_inrelease(record, found.body, found.head.etag)
        except PreconditionFailed:
            return
    raise TransientError(
        f"the Last-Modified of the InRelease of {suite.path} does not rise; this passes with time"
    )
