"""The functions as they run now, compared with those that the template wants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from debpress.doctor.findings import Finding, Unseen, ok, unseen, wrong
from debpress.doctor.policies import RESTORE

_ABOUT = "functions"


@dataclass(frozen=True, slots=True)
class Shape:
    """What decides how a function runs: memory (MB), time-out (s), layers (ARNs, in order)."""

    memory: int
    seconds: int
    layers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """`there` is the deployed function's shape, None where there is no such function."""

    name: str
    wanted: Shape
    there: Shape | Unseen | None
    state: str = "Active"


def check(functions: Sequence[Function]) -> Iterator[Finding]:
    good = 0
    for each in functions:
        if isinstance(each.there, Unseen):
            yield unseen(_ABOUT, each.name, each.there)
        elif each.there is None:
            yield wrong(_ABOUT, f"{each.name} is gone", *RESTORE)
        elif each.state not in ("Active", "Inactive"):  # Inactive: not called for weeks.
            yield wrong(_ABOUT, f"{each.name} is {each.state}", "its console page says why; deploy")
        elif each.there != each.wanted:
            change = _change(each.wanted, each.there)
            yield wrong(_ABOUT, f"{each.name} was altered: {change}", *RESTORE)
        else:
            good += 1
    if good == len(functions):
        yield ok(_ABOUT, f"all {good} as deployed")


def _change(wanted: Shape, there: Shape) -> str:
    changes = []
    if wanted.memory != there.memory:
        changes.append(f"{there.memory} MB for {wanted.memory}")
    if wanted.seconds != there.seconds:
        changes.append(f"{there.seconds} s for {wanted.seconds}")
    if wanted.layers != there.layers:
        changes.append("other layers")
    return ", ".join(changes)
