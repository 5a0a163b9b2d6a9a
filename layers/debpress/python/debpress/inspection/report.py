"""The report of `verify`: a sentence for each problem, which says what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from typing import Any

# Opens a progress display: called with a name and a total size, it gives a function that is called
# with the size of each part that is done.
Watch = Callable[[str, int], AbstractContextManager[Callable[[int], object]]]


def unwatched(_name: str, _size: int) -> AbstractContextManager[Callable[[int], object]]:
    return nullcontext(lambda _part: None)


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem of an object. `suite` is None for objects of the whole repository, like the key."""

    suite: str | None
    key: str
    message: str


@dataclass(frozen=True, slots=True)
class Note:
    """Information that is no problem. `keys` are the objects that it is about."""

    message: str
    keys: tuple[str, ...] = ()


@dataclass(slots=True)
class Report:
    """`deep` tells whether the packages' bytes were read. `packages` counts those that were looked
    at in the pool."""

    suites: tuple[str, ...]
    deep: bool
    indices: int = 0
    packages: int = 0
    findings: list[Finding] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.findings

    def wrong(self, suite: str | None, key: str, message: str) -> None:
        self.findings.append(Finding(suite, key, message))

    def note(self, message: str, keys: tuple[str, ...] = ()) -> None:
        self.notes.append(Note(message, keys))

    def ended(self, suite: str) -> None:
        """A suite has ended while it was read: what was found to lack of it is as it should be."""
        self.findings = [each for each in self.findings if each.suite != suite]
        self.note(f"{suite} has ended meanwhile")

    def as_json(self) -> dict[str, Any]:
        return {"version": 1, "good": self.good, **asdict(self)}
