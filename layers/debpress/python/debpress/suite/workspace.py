"""What an operation works on, and what it may ask for."""

from __future__ import annotations

from dataclasses import dataclass

from debpress.config import Repository
from debpress.suite.draft import SuiteDraft
from debpress.suite.loader import Loader
from debpress.suite.published import Published


@dataclass(frozen=True, slots=True)
class Workspace:
    """The draft of one suite, and what is published of it (`state`)."""

    loader: Loader
    repository: Repository
    draft: SuiteDraft
    state: Published

    def other(self, suite: str) -> SuiteDraft | None:
        """Another suite as it is published now, to read from."""
        settings = self.repository.suite(suite)
        state = self.loader.published(suite) if settings else None
        return SuiteDraft(self.loader, settings, state) if settings and state else None
