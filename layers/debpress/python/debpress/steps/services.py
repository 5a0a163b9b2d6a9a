"""The ports and settings that are passed to every step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from debpress.archive import Archive
from debpress.clock import Clock
from debpress.config import Repository
from debpress.errors import ConfigError
from debpress.metrics import Measure, unmeasured
from debpress.records.messages.told import Told
from debpress.store import Store

if TYPE_CHECKING:
    from debpress.provenance.proof import Verifier

# Wakes the execution that waits with a token; returns whether one did.
Tell = Callable[[str, Told], bool]


def nobody(_token: str, _what: Told) -> bool:
    """A Tell where no workflow runs."""
    return False


def unverifying() -> Verifier:
    """Where provenance can't be verified."""
    raise ConfigError("provenance is asked for, and nothing here can verify it")


@dataclass(frozen=True, slots=True)
class Services:
    """The bucket, the configuration, the function's clock, where metrics go, and how executions are
    woken that wait. `verifier` makes what verifies provenance, when it is first needed."""

    store: Store
    repository: Repository
    clock: Clock
    measure: Measure = unmeasured
    tell: Tell = nobody
    verifier: Callable[[], Verifier] = unverifying

    @property
    def archive(self) -> Archive:
        return Archive(self.store, self.repository.layout, self.clock)
