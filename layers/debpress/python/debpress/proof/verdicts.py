"""A claim that was tried on a deployed press, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from debpress.clock import iso
from debpress.index.release import Release
from debpress.store import Object


class Outcome(StrEnum):
    HELD = "held"
    BROKEN = "did not hold"
    UNTRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`detail` says what was seen, or why the claim could not be tried."""

    claim: str
    outcome: Outcome
    detail: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def held(claim: str, detail: str = "") -> Verdict:
    return Verdict(claim, Outcome.HELD, detail)


def broken(claim: str, detail: str) -> Verdict:
    return Verdict(claim, Outcome.BROKEN, detail)


def untried(claim: str, detail: str) -> Verdict:
    return Verdict(claim, Outcome.UNTRIED, detail)


def judged(claim: str, good: bool, detail: str) -> Verdict:
    return held(claim, detail) if good else broken(claim, detail)


def of_aws(claim: str, good: bool, detail: str, *, aws: bool) -> Verdict:
    """A claim on AWS itself. Elsewhere, what does not hold says nothing of AWS."""
    if good:
        return held(claim, detail)
    return broken(claim, detail) if aws else untried(claim, f"{detail}; this is not AWS")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What came of a write that must be refused. `reason` is AWS's code and text; empty if the
    write was let through. `denied` tells a refusal by policies from any other answer."""

    denied: bool
    reason: str = ""


def guard(claim: str, found: Refusal, *, aws: bool) -> Verdict:
    """A guard of a policy. AWS says whether a Deny statement refused, or merely no Allow let the
    caller (IAM user guide, "Troubleshoot access denied error messages")."""
    if not found.denied:
        said = found.reason or "it was let through"
        return of_aws(claim, False, f"no policy refuses it: {said}", aws=aws)
    if "explicit deny" in found.reason:
        return held(claim, "denied by a policy's own statement")
    return held(claim, "your role may not anyway; as an administrator, the guard itself is tried")


def rising(releases: Sequence[tuple[Object, Release]]) -> list[Verdict]:
    """Laws 1 and 2, over the releases in the order in which they were published."""
    dates = [release.date for _, release in releases]
    put = [found.head.last_modified for found, _ in releases]
    pairs = range(len(releases) - 1)
    shown = f"{len(releases)} releases, the last dated {iso(dates[-1])}"
    return [
        judged(
            "Date rises with each release, and is never ahead of S3's clock",
            all(dates[i] < dates[i + 1] for i in pairs)
            and all(date <= at for date, at in zip(dates, put, strict=True)),
            shown,
        ),
        judged(
            "Last-Modified of InRelease rises by a second or more with each release",
            all((put[i + 1] - put[i]).total_seconds() >= 1 for i in pairs),
            shown,
        ),
    ]
