"""watch: measures every few minutes what nobody may have reason to look at: what waits, and how
old each release is.

An alarm looks at the longest wait of all suites; where nothing waits for long, it is a metric in
some hours only (debpress.metrics).
"""

from __future__ import annotations

from datetime import datetime

from debpress.layout import Layout
from debpress.steps.services import Services

MINUTES = 5  # From look to look.


def run(services: Services) -> dict[str, dict[str, float]]:
    """Looks at each suite, says the values and returns them, by S3's clock. `SecondsWaiting` is the
    age of the oldest entry in the queue (0: nothing waits), `InReleaseAge` that of InRelease. Of
    the suites of a pattern, which may be many, the longest wait is said by the pattern."""
    repository, archive = services.repository, services.archive
    said: dict[str, dict[str, float]] = {}
    for suite in repository.suites:
        name = suite.suite
        head = archive.head(archive.layout.inrelease(name))
        now = (head.served_at if head else None) or services.clock.now()
        said[name] = {"SecondsWaiting": _waited(services, name, now)}
        if head is not None:
            said[name]["InReleaseAge"] = max(0.0, (now - head.last_modified).total_seconds())
    for pattern in repository.patterns:
        said[pattern.suite] = {"SecondsWaiting": 0.0}
    for name in archive.living(repository):
        if (life := repository.life(name)) is not None:
            waited = _waited(services, name, services.clock.now())
            values = said[life.pattern]
            values["SecondsWaiting"] = max(values["SecondsWaiting"], waited)
    # When it is through: what is said of a look that failed half way would be a sign of life.
    for name, values in said.items():
        services.measure(name, **values)
    return said


def _waited(services: Services, suite: str, now: datetime) -> float:
    queued = [each.last_modified for each in services.archive.list(Layout.queue(suite))]
    # An entry of after `now` has waited for no time at all.
    return max(0.0, (now - min([now, *queued])).total_seconds())
