"""What did not come through: lost events, failed executions, alarms that ring."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from debpress.clock import iso
from debpress.doctor.findings import Finding, Level, Unseen, ok, unseen, warning, wrong
from debpress.doctor.policies import RESTORE

# An execution can be redriven for so long (Step Functions developer guide, "Redriving executions").
REDRIVABLE = timedelta(days=14)
_FRESH = timedelta(days=1)
_PAGE = re.compile(r"docs/[a-z]+\.md#[a-z-]+")


@dataclass(frozen=True, slots=True)
class Ended:
    """An execution that did not succeed: its ARN, its status, and when it ended."""

    arn: str
    status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Alarm:
    """`state` is `OK`, `ALARM` or `INSUFFICIENT_DATA`. `told` is how many topics it notifies."""

    name: str
    state: str
    meaning: str
    told: int


def check_letters(queues: Mapping[str, int | Unseen]) -> Iterator[Finding]:
    """`queues`: the messages in each dead-letter queue, by the queue's URL."""
    about = "lost events"
    for url, count in queues.items():
        if isinstance(count, Unseen):
            yield unseen(about, f"the queue {url}", count)
        elif count:
            yield wrong(
                about,
                f"{count} messages in {url.rpartition('/')[2]}: nobody was told of them",
                "docs/runbook.md#lost-events",
            )
        else:
            yield ok(about, f"none wait in {url.rpartition('/')[2]}")


def check_executions(failed: Sequence[Ended] | Unseen, now: datetime) -> Iterator[Finding]:
    """Those that failed of the last fourteen days; one that was redriven well is none."""
    about = "executions"
    if isinstance(failed, Unseen):
        yield unseen(about, "which executions failed", failed)
        return
    recent = sorted((e for e in failed if now - e.at < REDRIVABLE), key=lambda e: e.at)
    if not recent:
        yield ok(about, f"none failed in {REDRIVABLE.days} days")
        return
    last = recent[-1]
    yield Finding(
        about,
        Level.WRONG if now - last.at < _FRESH else Level.WARNING,
        f"{len(recent)} failed in {REDRIVABLE.days} days, the last at {iso(last.at)} "
        f"({last.status})",
        "find out why, and redrive it unless its batch was uploaded again since "
        "(docs/runbook.md#failed-executions)",
        f"aws stepfunctions redrive-execution --execution-arn {last.arn}",
    )


def check_alarms(wanted: Sequence[str], alarms: Sequence[Alarm] | Unseen) -> Iterator[Finding]:
    """`wanted` are the names of those that the template has."""
    about = "alarms"
    if isinstance(alarms, Unseen):
        yield unseen(about, "the alarms", alarms)
        return
    ringing = [each for each in alarms if each.state == "ALARM"]
    for each in ringing:
        page = _PAGE.search(each.meaning)
        meaning = each.meaning.partition(" See ")[0].rstrip(".")
        yield wrong(about, f"rings: {meaning}", page[0] if page else "docs/runbook.md")
    gone = sorted({*wanted} - {each.name for each in alarms})
    if gone:
        yield wrong(about, f"gone: {', '.join(gone)}", *RESTORE)
    if not ringing:
        yield ok(about, f"none of {len(alarms)} rings")
    silent = [each.name for each in alarms if not each.told]
    if silent:
        yield warning(
            about,
            f"{len(silent)} of {len(alarms)} notify nobody",
            'name a topic: "alarm_topics" in cdk.json (docs/deploy.md#the-configuration)',
        )
