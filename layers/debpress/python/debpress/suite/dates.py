"""The Date of a Release: later than the last one, and never in the future (law 1)."""

from __future__ import annotations

from datetime import datetime, timedelta

from debpress.errors import TransientError

# Date is set this far back, so that a host whose clock lags by as much does not refuse it: apt
# tolerates ten seconds. Releases that follow each other closely use the room up, a second each.
BEHIND = timedelta(seconds=60)


def next_date(now: datetime, previous: datetime | None) -> datetime:
    """The Date of a Release after `previous`.

    apt ignores an older one without a word and refuses one ten seconds ahead of its own clock.
    Raises TransientError when there is no such moment yet.
    """
    date = (now - BEHIND).replace(microsecond=0)
    if previous is not None:
        date = max(date, previous + timedelta(seconds=1))
    if date > now:
        raise TransientError(
            f"the published Date, {previous}, is ahead of the store's clock, {now}; "
            "this passes when the clock reaches it"
        )
    return date
