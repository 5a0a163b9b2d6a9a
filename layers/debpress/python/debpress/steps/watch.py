"""watch: measures every few minutes what nobody may have reason to look at: what waits, and how
old each release is.

CloudWatch charges for a metric by the hours in which it is said, whatever its value. So what is
said all the time is one metric of the whole repository, and not two of each suite (docs/cost.md).
"""

from __future__ import annotations

from datetime import datetime

from debpress.layout import Layout
from debpress.steps.services import Services

MINUTES = 5  # From look to look.
_HOURS = 6  # From one saying of the releases' ages to the next.


def run(services: Services) -> dict[str, dict[str, float]]:
    """Looks at each suite and returns the values, by S3's clock. `SecondsWaiting` is the age of the
    oldest entry in the queue (0: nothing waits), `InReleaseAge` that of InRelease.

    The longest wait of all suites is measured at each look, that of a suite where something waits;
    the ages of releases four times a day, as they grow with the clock.
    """
    said: dict[str, dict[str, float]] = {}
    for suite in services.repository.suites:
        name = suite.suite
        head = services.archive.head(services.archive.layout.inrelease(name))
        now = (head.served_at if head else None) or services.clock.now()
        queued = [each.last_modified for each in services.archive.list(Layout.queue(name))]
        # An entry of after that `now` has waited for no time at all.
        waited = max(0.0, (now - min([now, *queued])).total_seconds())
        values = {"SecondsWaiting": waited}
        if head is not None:
            values["InReleaseAge"] = max(0.0, (now - head.last_modified).total_seconds())
        said[name] = values
        measured = {
            metric: value for metric, value in values.items() if _is_said(metric, value, now)
        }
        if measured:
            services.measure(name, **measured)
    longest = max((values["SecondsWaiting"] for values in said.values()), default=0.0)
    services.measure(None, SecondsWaiting=longest)
    return said


def _is_said(metric: str, value: float, now: datetime) -> bool:
    if metric == "SecondsWaiting":
        return value > 0
    return now.hour % _HOURS == 0 and now.minute < MINUTES
