"""The ports and settings that are passed to every step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from debpress.archive import Archive
from debpress.clock import Clock
from debpress.config import Repository
from debpress.metrics import Measure, unmeasured
from debpress.records.messages.told import Told
from debpress.store import Store

# Wakes the execution that waits with a token; returns whether one did.
Tell = Callable[[str, Told], bool]


def nobody(_token: str, _what: Told) -> bool:
    """A Tell where no workflow runs."""
    return False


@dataclass(frozen=True, slots=True)
class Services:
    """The bucket, the configuration, the function's clock, where metrics go, and how executions are
    woken that wait."""

    store: Store
    repository: Repository
    clock: Clock
    measure: Measure = unmeasured
    tell: Tell = nobody

    @property
    def archive(self) -> Archive:
        return Archive(self.store, self.repository.layout, self.clock)
