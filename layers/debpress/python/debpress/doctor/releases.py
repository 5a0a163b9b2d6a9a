"""What must go on by itself in every suite: the heartbeat, the prune, the reaper."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from debpress.archive import Archive
from debpress.clock import iso
from debpress.config import Suite
from debpress.doctor.findings import Finding, Unseen, ok, unseen, warning, wrong
from debpress.index.release import Release
from debpress.layout import RESULTS, STAGING, Batch

_PRUNE = re.compile(r"prune-([0-9]{8}T[0-9]{6}Z)")
# The schedule signs anew at a third of the validity; the alarm rings at a half.
_LATE = 0.5
# The prune is daily and the reaper hourly; each is allowed to be late by some.
_PRUNES = timedelta(hours=26)
REAPS = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Prune:
    """The last prune that the schedule asked for: when it was asked, and what the answer says
    (`published`, or None while there is none), with its first error."""

    at: datetime
    status: str | None
    error: str = ""


def last_prune(archive: Archive, suite: Suite) -> Prune | None:
    """The last prune that the schedule asked for, of those that have an answer or wait for one.

    Raises StoreError, TransientError or CorruptError. IAM: s3:ListBucket, and s3:GetObject on
    `results/`.
    """
    place = f"{suite.suite}/{suite.components[0]}/prune-"
    asked = {
        found[1]
        for prefix in (RESULTS, STAGING)
        for head in archive.list(prefix + place)
        if (found := _PRUNE.search(head.key))
    }
    if not asked:
        return None
    last = max(asked)
    at = datetime.strptime(last, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    batch = Batch(suite.suite, suite.components[0], f"prune-{last}")
    result = archive.results.find(batch)
    if result is None:
        return Prune(at, None)
    return Prune(at, result.status, result.errors[0].message if result.errors else "")


def check_release(suite: str, release: Release, modified: datetime, now: datetime) -> Finding:
    """`modified` is when S3 took the InRelease, `now` is S3's clock."""
    about = suite
    if release.date > modified + timedelta(seconds=1):
        return wrong(
            about,
            f"its Date {iso(release.date)} is later than it was put ({iso(modified)}): a "
            "function's clock is ahead, and hosts refuse it until then",
            "wait, then publish again; tell AWS's support of the clock",
        )
    used = release.used(now)
    if used is None or release.valid_until is None:
        return ok(about, f"InRelease of {iso(release.date)}, valid for ever")
    until = iso(release.valid_until)
    if used >= 1:
        message = f"InRelease was valid until {until}: every host's apt update fails"
        return wrong(about, message, "docs/runbook.md#validity")
    if used >= _LATE:
        message = f"InRelease is valid until {until}, half of it is over: the heartbeat has stopped"
        return wrong(about, message, "docs/runbook.md#validity")
    return ok(about, f"InRelease of {iso(release.date)}, valid until {until}")


def check_prune(
    suite: str, last: Prune | Unseen | None, deployed: datetime, now: datetime
) -> Finding:
    """`deployed` is since when the schedule is there."""
    about = suite
    if isinstance(last, Unseen):
        return unseen(about, "when it was pruned", last)
    since = last.at if last else deployed
    if now - since > _PRUNES:
        what = f"the last prune was asked for at {iso(since)}" if last else "it was never pruned"
        return wrong(about, f"{what}, and it is to be daily", "docs/runbook.md#no-prune")
    if last is None:
        return ok(about, "not pruned yet, it is deployed for less than a day")
    if last.status == "published":
        return ok(about, f"pruned at {iso(last.at)}")
    if last.status is None:
        return warning(about, f"the prune of {iso(last.at)} waits", "debpress status")
    return wrong(
        about,
        f"the prune of {iso(last.at)} was {last.status}: {last.error}",
        "docs/runbook.md#refused-prunes",
    )


def check_room(pattern: str, suites: int, at_most: int) -> Finding:
    """How many suites of a pattern there are."""
    said = f"{suites} suites of at most {at_most}"
    if suites < at_most or not at_most:  # No more are to come.
        return ok(pattern, said)
    return warning(
        pattern,
        f"{said}: what is published to another one is refused",
        "end some, or raise at_most or lower ttl_days: docs/operators.md#suites",
        "debpress suites",
    )


def check_reaper(
    calls: int | Unseen, reported: datetime | Unseen | None, deployed: datetime, now: datetime
) -> Finding:
    """`calls` are those of the last hours (`REAPS`), `reported` is when one last deleted anything:
    one that finds nothing leaves no report."""
    about = "reaper"
    if isinstance(calls, Unseen):
        return unseen(about, "whether it was called", calls)
    said = "nothing deleted yet"
    if isinstance(reported, datetime):
        said = f"it last deleted something at {iso(reported)}"
    if not calls and now - deployed > REAPS:
        hours = int(REAPS.total_seconds() // 3600)
        message = f"not called for {hours} hours, and it is to be hourly; {said}"
        return wrong(about, message, "docs/runbook.md#no-reap")
    return ok(about, f"{calls} calls in {int(REAPS.total_seconds() // 3600)} hours; {said}")
