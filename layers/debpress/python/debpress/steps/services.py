"""The ports and settings that are passed to every step."""

from __future__ import annotations

from dataclasses import dataclass

from debpress.archive import Archive
from debpress.clock import Clock
from debpress.config import Repository
from debpress.metrics import Measure, unmeasured
from debpress.store import Store


@dataclass(frozen=True, slots=True)
class Services:
    """The bucket, the configuration, the function's clock, and where metrics go."""

    store: Store
    repository: Repository
    clock: Clock
    measure: Measure = unmeasured

    @property
    def archive(self) -> Archive:
        return Archive(self.store, self.repository.layout, self.clock)
