"""A clock that tests set: sleeping moves it and takes no time."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 23, 1, 2, 3, 400_000, tzinfo=UTC)


class FakeClock:
    """A `debpress.clock.Clock`. `slept` lists what was slept, in seconds."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self._now += timedelta(seconds=seconds)

    def advance(self, seconds: float) -> None:
        """Moves the clock (backwards too) without counting as a sleep."""
        with self._lock:
            self._now += timedelta(seconds=seconds)
