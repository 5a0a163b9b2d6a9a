"""What starts by itself: the schedules, and the rule that starts the workflow at an upload."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from debpress.doctor.findings import Finding, Unseen, ok, unseen, wrong
from debpress.doctor.policies import RESTORE

ENABLED = "ENABLED"


@dataclass(frozen=True, slots=True)
class Trigger:
    """A schedule or a rule. `wanted` is the template's expression, None of a rule. `state` is
    `ENABLED` or `DISABLED`, and None if it is gone; `expression` is what is in force."""

    name: str
    what: str
    wanted: str | None
    state: str | Unseen | None
    expression: str | None = None


def check(triggers: list[Trigger]) -> Iterator[Finding]:
    for each in triggers:
        about = "rule" if each.wanted is None else "schedule"
        if isinstance(each.state, Unseen):
            yield unseen(about, f"the state of {each.name} ({each.what})", each.state)
        elif each.state is None:
            yield wrong(about, f"{each.name} ({each.what}) is gone", *RESTORE)
        elif each.state != ENABLED:
            yield wrong(about, f"{each.name} ({each.what}) is disabled", *RESTORE)
        elif each.wanted != each.expression:
            yield wrong(
                about, f"{each.what}: {each.expression}, and should be {each.wanted}", *RESTORE
            )
        else:
            yield ok(about, f"{each.what}: on" + f", {each.wanted}" * (each.wanted is not None))
