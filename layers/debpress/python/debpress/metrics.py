"""Values as lines of the log, of which CloudWatch makes a metric where an alarm looks at it.

CloudWatch charges for a metric by the hours in which it is said, whatever its value, and for a line
of the log next to nothing. So the others are shown by queries of the log (the dashboard), and what
is said all the time is a metric where it may ring, and in some hours, as a sign of life. The form
is the CloudWatch user guide's, "Specification: Embedded metric format". It needs no right beyond
that of writing the log. docs/decisions/0031-what-is-a-metric.md tells the costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, Protocol

NAMESPACE = "debpress"

# Seconds. A publish takes seconds, one of hundreds of packages minutes; and a batch whose execution
# breaks down is answered after a few minutes of retries. After a quarter of an hour, nobody is at
# it.
PATIENCE = 900

# From one sign of life to the next: in the hours of the day (UTC) that this divides. What is silent
# for longer than the second is dead: the alarm has seen two signs of life missing.
LIFE_HOURS = 6
SILENCE_HOURS = 2 * LIFE_HOURS + 2


class Rings(NamedTuple):
    """What an alarm may look at: a metric of a `unit` (CloudWatch's word), by suite or of the whole
    repository, that is said from the value `least` on, and as a sign of life."""

    unit: str
    least: float = 0
    by_suite: bool = False


METRICS: Mapping[str, Rings] = {
    "ValidityUsed": Rings("None", by_suite=True),
    "PrunesRefused": Rings("Count"),
    # These are said by each prune, reaping and look that ends, so that silence means there was
    # none.
    "PrunesAsked": Rings("Count"),
    "ObjectsLeftOver": Rings("Count", least=1),
    "SecondsWaiting": Rings("Seconds", least=60),
    "SecondsBehind": Rings("Seconds", least=60, by_suite=True),
    # No alarm looks at it; whoever wants one for slow publishes has its metric.
    "SecondsToVisible": Rings("Seconds", least=60),
}
# By name alone, in the log.
LOGGED = {
    "VersionsPruned", "VersionsLeftOver", "BytesUnnamed", "ObjectsReaped", "BytesReaped",
    "FilesUnstaged", "BytesUnstaged", "BatchesPublished", "BatchesRejected", "BatchesFailed",
    "InReleaseAge",
}  # fmt: skip


class Measure(Protocol):
    def __call__(self, suite: str | None, /, **values: float) -> None:
        """Says values by their names, of a suite or (None) of the whole repository."""


def unmeasured(_suite: str | None, /, **_values: float) -> None:
    """A `Measure` for who has no log that anybody reads."""


def dimensions(bucket: str, suite: str | None = None) -> dict[str, str]:
    """What tells apart the repositories of an account, and their suites."""
    return {"Bucket": bucket, **({} if suite is None else {"Suite": suite})}


def line(
    now: datetime, bucket: str, suite: str | None, values: Mapping[str, float], *, first: bool
) -> dict[str, Any]:
    """The line that says these values, of a suite or (None) of the whole repository. `first`: the
    alarms begin to count here, so that all of them are metrics."""
    named = dimensions(bucket, suite)
    said: dict[bool, list[dict[str, str]]] = {}
    for name, value in values.items():
        rings = METRICS.get(name)
        if rings and (first or value >= rings.least or now.hour % LIFE_HOURS == 0):
            metric = {"Name": name, "Unit": rings.unit}
            said.setdefault(rings.by_suite, []).append(metric)
    about = [
        {
            "Namespace": NAMESPACE,
            "Dimensions": [[*dimensions(bucket, suite if by_suite else None)]],
            "Metrics": found,
        }
        for by_suite, found in said.items()
    ]
    stamp = {"Timestamp": int(now.timestamp() * 1000), "CloudWatchMetrics": about}
    return {**({"_aws": stamp} if about else {}), **named, **values}
