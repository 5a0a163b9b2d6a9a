"""What a month costs in dollars, from what was measured and AWS's prices.

`benchmarks/cost.py` tells it in words. What no benchmark on one machine can measure is a constant
here, and named on the page.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from debpress import config
from debpress.archive.staged import REPEATED
from debpress.commands.sending import PART
from debpress.metrics import LIFE_HOURS

from benchmarks import prices
from stacks.functions import SIZES

RELEASES_A_DAY, PACKAGES, PACKAGE_BYTES, KEEP = 15, 5, 250 * 10**6, 20
DOWNLOADED_GB = 1536.0

# Assumed. A round trip to S3 or KMS within the Region; MB a second of a copy by S3, of which four
# go at once; how much a call logs; how many files a host fetches for each GB.
ROUND_TRIP = 0.025
COPY_MB_A_SECOND = 50.0
LOG_BYTES_A_CALL = 3_000
REQUESTS_A_GB = 8

# Bytes of a part: `debpress upload`, and `aws s3 cp` unless it is configured otherwise.
CI_PART, AWS_PART = PART, 8 * 2**20


@dataclass(frozen=True, slots=True)
class Line:
    """A part of the bill: of what, how much of it, and dollars a month."""

    what: str
    how_much: str
    dollars: float


@dataclass(frozen=True, slots=True)
class Bill:
    """`free` are dollars that an account with nothing else in it is not charged."""

    lines: Sequence[Line]
    free: float

    @property
    def dollars(self) -> float:
        """At list prices, nothing being free."""
        return sum(line.dollars for line in self.lines)


def of(measured: Mapping[str, Any]) -> Bill:
    """The press's own, without the key and without what hosts download.

    `measured` is what `benchmarks.steps` found (shapes are told there).
    """
    month = RELEASES_A_DAY * prices.DAYS
    calls = {
        **{step: each["calls"] * month for step, each in measured["steps"].items()},
        "announce": month,
        "prune": prices.DAYS,
        "reap": prices.HOURS,
        "watch": prices.HOURS * 12,
    }
    stored = _stored_gb()
    gb_seconds = _gb_seconds(measured, calls)
    puts, gets = _requests(measured, month)
    metrics = metric_months()
    alarms = measured["alarms"]
    transitions = (measured["transitions"] * month + 10 * prices.DAYS) / 1000
    # The calls of `watch` are not traced.
    traces = sum(number for name, number in calls.items() if name != "watch") / 1e6
    lines = [
        *(
            Line(f"S3, {name}", f"{gb:.1f} GB", gb * prices.STORED.dollars)
            for name, gb in stored.items()
        ),
        Line("S3, PUT, COPY, LIST", f"{puts:,.0f}", puts / 1000 * prices.PUTS.dollars),
        Line("S3, GET, HEAD", f"{gets:,.0f}", gets / 1000 * prices.GETS.dollars),
        *(
            Line(f"Lambda, {name}", f"{spent:,.0f} GB-seconds", spent * prices.GB_SECOND.dollars)
            for name, spent in gb_seconds.items()
        ),
        Line(
            "Lambda, calls",
            f"{sum(calls.values()):,.0f}",
            sum(calls.values()) / 1e6 * prices.CALL.dollars,
        ),
        Line(
            "Step Functions",
            f"{transitions * 1000:,.0f} transitions",
            transitions * prices.TRANSITION.dollars,
        ),
        Line(
            "CloudWatch, metrics",
            f"{metrics:.1f} metric-months",
            metrics * prices.METRIC.dollars,
        ),
        Line("CloudWatch, alarms", f"{alarms}", alarms * prices.ALARM.dollars),
        Line("CloudWatch, dashboard", "1, of three that are free", 0.0),
        Line(
            "CloudWatch Logs",
            f"{sum(calls.values()) * LOG_BYTES_A_CALL / 1e6:,.0f} MB",
            sum(calls.values()) * LOG_BYTES_A_CALL / 1e9 * prices.LOGGED.dollars,
        ),
        Line("X-Ray", f"{traces * 1e6:,.0f} traces", traces * prices.TRACE.dollars),
        Line("KMS, signatures", f"{2 * month:,.0f}", 2 * month / 1e4 * prices.SIGNATURE.dollars),
    ]
    free = (
        min(metrics, 10) * prices.METRIC.dollars
        + min(alarms, 10) * prices.ALARM.dollars
        + min(transitions, 4) * prices.TRANSITION.dollars
        + min(traces, 0.1) * prices.TRACE.dollars
        + min(sum(gb_seconds.values()), 400_000) * prices.GB_SECOND.dollars
        + sum(line.dollars for line in lines if line.what in ("Lambda, calls", "CloudWatch Logs"))
    )
    return Bill(lines, free)


def beside(found: Bill) -> str:
    """What of it is CloudWatch's, and what is billed to an account with nothing else in it."""
    watched = sum(line.dollars for line in found.lines if line.what.startswith("CloudWatch, "))
    own = found.dollars - found.free
    return f"{watched:.2f} of it metrics and alarms; {own:.2f} in an account of its own"


def _stored_gb() -> dict[str, float]:
    """What lies in the bucket on average, by why."""
    a_day = RELEASES_A_DAY * PACKAGES * PACKAGE_BYTES / prices.GIB
    kept = KEEP * PACKAGES * PACKAGE_BYTES / prices.GIB
    grace = config.Repository(suites=()).grace_hours
    return {
        f"the last {KEEP} of each package": kept,
        "what the daily prune has not seen yet": a_day / 2,
        "within the grace": a_day * (grace + 1.5) / 24,
        "staged": a_day * (REPEATED.total_seconds() / 3600 + 0.5) / 24,
        "copied to be summed": a_day * 1.5 / 24,
    }


def _gb_seconds(measured: Mapping[str, Any], calls: Mapping[str, float]) -> dict[str, float]:
    """By function. Each call of a publish is a cold start; the others find their sandbox gone, too,
    but for `watch`, which is called each five minutes."""
    found = {}
    for name, number in calls.items():
        memory = SIZES[name].memory
        share = min(memory / 1769, 1.0)
        work = measured["steps"].get(name) or measured["others"][name]
        busy = work["cpu"] / max(work.get("calls", 1), 1) / share
        waited = work["rounds"] / max(work.get("calls", 1), 1) * ROUND_TRIP
        begun = 0.0 if name == "watch" else measured["cold"][name] / share
        copying = 2 * PACKAGE_BYTES / 1e6 / COPY_MB_A_SECOND if name == "admit" else 0.0
        found[name] = number * memory / 1024 * (begun + busy + waited + copying)
    return found


def _requests(measured: Mapping[str, Any], month: float) -> tuple[float, float]:
    """PUTs and the like, and GETs and the like, a month."""
    puts = gets = 0.0
    for name, number in (
        ("publish", month), ("announce", month), ("reap", prices.HOURS),
        ("watch", prices.HOURS * 12),
    ):  # fmt: skip
        asked = measured["requests"][name]
        puts += number * sum(asked.get(kind, 0) for kind in ("put", "copy", "list"))
        gets += number * sum(asked.get(kind, 0) for kind in ("get", "head"))
    return puts + month * uploaded(CI_PART), gets


def uploaded(part: int) -> int:
    """The requests of a batch's upload: each package in parts, with two requests more; and the
    manifest."""
    return PACKAGES * (math.ceil(PACKAGE_BYTES / part) + 2) + 1


# Hours a day in which each metric is said, for a metric is charged for these: the signs of life,
# and the one prune. The others are said where something is wrong, where a suite is valid for a time
# only, or by a mirror.
SAID = {
    "SecondsWaiting": 24 / LIFE_HOURS,
    "ObjectsLeftOver": 24 / LIFE_HOURS,
    "PrunesAsked": 1,
    # Of the releases, those in the hours of signs of life.
    "SecondsToVisible": RELEASES_A_DAY / LIFE_HOURS,
}
SELDOM = {"PrunesRefused", "ValidityUsed", "SecondsBehind"}


def metric_months() -> float:
    """How many metrics are said all month, or as much in parts of it."""
    return sum(hours / 24 for hours in SAID.values())
