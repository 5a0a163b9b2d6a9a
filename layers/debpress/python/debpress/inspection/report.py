"""What `verify` found: each thing wrong in a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from typing import Any

# Opens a measure of how far something long is: its name and its size, then called with each part.
Watch = Callable[[str, int], AbstractContextManager[Callable[[int], object]]]


def unwatched(_name: str, _size: int) -> AbstractContextManager[Callable[[int], object]]:
    return nullcontext(lambda _part: None)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with an object. `suite` is None for what belongs to them all."""

    suite: str | None
    key: str
    message: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something that is not wrong, and good to know: `keys` are the objects it is about."""

    message: str
    keys: tuple[str, ...] = ()


@dataclass(slots=True)
class Report:
    """`deep` when the packages' bytes were read. `packages` were looked at in the pool."""

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

    def as_json(self) -> dict[str, Any]:
        return {"version": 1, "good": self.good, **asdict(self)}
