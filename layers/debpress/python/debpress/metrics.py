"""Metrics as lines of the log, in a form that CloudWatch makes metrics of.

The form is the CloudWatch user guide's, "Specification: Embedded metric format". It needs no right
beyond that of writing the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

NAMESPACE = "debpress"

# Every metric there is, by its name, with CloudWatch's word for its unit.
UNITS = {
    "ValidityUsed": "None",
    "PrunesRefused": "Count",
    "VersionsPruned": "Count",
    "VersionsLeftOver": "Count",
    # These two are said by each prune and reaping that ends, so that silence means there was none.
    "PrunesAsked": "Count",
    "ObjectsLeftOver": "Count",
    "BytesUnnamed": "Bytes",
    "ObjectsReaped": "Count",
    "BytesReaped": "Bytes",
    "FilesUnstaged": "Count",
    "BytesUnstaged": "Bytes",
    "BatchesPublished": "Count",
    "BatchesRejected": "Count",
    "BatchesFailed": "Count",
    "SecondsToVisible": "Seconds",
    "SecondsWaiting": "Seconds",
    "InReleaseAge": "Seconds",
    "SecondsBehind": "Seconds",
}


class Measure(Protocol):
    def __call__(self, suite: str | None, /, **values: float) -> None:
        """Says values of metrics, of a suite or (None) of the whole repository."""


def unmeasured(_suite: str | None, /, **_values: float) -> None:
    """A `Measure` for who has no log that anybody reads."""


def dimensions(bucket: str, suite: str | None = None) -> dict[str, str]:
    """What tells apart the repositories of an account, and their suites."""
    return {"Bucket": bucket, **({} if suite is None else {"Suite": suite})}


def line(
    now: datetime, bucket: str, suite: str | None, values: Mapping[str, float]
) -> dict[str, Any]:
    """The line that says these values, of a suite or (None) of the whole repository."""
    named = dimensions(bucket, suite)
    metrics = [{"Name": name, "Unit": UNITS[name]} for name in values]
    about = {"Namespace": NAMESPACE, "Dimensions": [[*named]], "Metrics": metrics}
    stamp = int(now.timestamp() * 1000)
    return {"_aws": {"Timestamp": stamp, "CloudWatchMetrics": [about]}, **named, **values}
