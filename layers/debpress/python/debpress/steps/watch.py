"""watch: measures every few minutes what nobody may have reason to look at: what waits, and how
old each release is.

An alarm looks at the longest wait of all suites; where nothing waits for long, it is a metric in
some hours only (debpress.metrics).
"""

from __future__ import annotations

from debpress.layout import Layout
from debpress.steps.services import Services

MINUTES = 5  # From look to look.


def run(services: Services) -> dict[str, dict[str, float]]:
    """Looks at each suite, says the values and returns them, by S3's clock. `SecondsWaiting` is the
    age of the oldest entry in the queue (0: nothing waits), `InReleaseAge` that of InRelease."""
    said: dict[str, dict[str, float]] = {}
    for suite in services.repository.suites:
        name = suite.suite
        head = services.archive.head(services.archive.layout.inrelease(name))
        now = (head.served_at if head else None) or services.clock.now()
        queued = [each.last_modified for each in services.archive.list(Layout.queue(name))]
        # An entry of after that `now` has waited for no time at all.
        waited = max(0.0, (now - min([now, *queued])).total_seconds())
        said[name] = {"SecondsWaiting": waited}
        if head is not None:
            said[name]["InReleaseAge"] = max(0.0, (now - head.last_modified).total_seconds())
    # When it is through: what is said of a look that failed half way would be a sign of life.
    for name, values in said.items():
        services.measure(name, **values)
    return said
