"""The bucket that follows in another Region: whether it shows what the archive shows."""

from __future__ import annotations

from datetime import datetime, timedelta

from debpress.doctor.findings import Finding, Unseen, ok, unseen, warning, wrong
from debpress.store import Object

# Three calls in a row, of which there is one every five minutes.
_LATE = timedelta(minutes=15)
_REMEDY = "docs/runbook.md#a-replica-that-is-behind"


def check(
    suite: str, there: Object | Unseen | None, here: Object | Unseen | None, now: datetime
) -> Finding:
    """The InRelease of the archive, and that of the replica; `now` is the archive's clock."""
    if isinstance(there, Unseen):
        return unseen(suite, "the archive's InRelease", there)
    if isinstance(here, Unseen):
        return unseen(suite, "the replica's InRelease", here)
    if there is None:
        return ok(suite, "the archive shows no release yet")
    if here is not None and here.body == there.body:
        return ok(suite, "the replica shows what the archive shows")
    age = now - there.head.last_modified
    lacks = "shows no release" if here is None else "shows an older release"
    message = f"the replica {lacks}; the archive's is {int(age.total_seconds())} seconds old"
    if age < _LATE:
        return warning(suite, message, "look again in some minutes")
    return wrong(suite, message, _REMEDY)
