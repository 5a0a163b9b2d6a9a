"""Shows the progress of long work on a terminal. Where stderr is a log, there are lines alone."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType

from debpress.commands.text import printable, span

_WIDTH = 24
# Seconds: how long it takes is told by what the last of them have brought.
_LOOK_BACK = 30.0
_EVERY = 0.1


class Progress:
    """A bar with the time that is left. It is called with the size of each part that is done: by
    transfers (with bytes sent, from several threads; fewer than none where some are sent again),
    by `verify` and by imports."""

    def __init__(self, name: str, size: int, timer: Callable[[], float] = time.monotonic) -> None:
        self._name = printable(name)
        self._size = max(size, 1)
        self._sent = 0
        self._timer = timer
        self._shown = 0.0
        self._seen: deque[tuple[float, int]] = deque()
        self._lock = threading.Lock()
        self._terminal = sys.stderr.isatty()

    def __enter__(self) -> Progress:
        return self

    def __call__(self, count: int) -> None:
        with self._lock:
            self._sent += count
            now = self._timer()
            if self._terminal and now - self._shown >= _EVERY:
                self._shown = now
                print(f"\r\033[K{self._line(now)}", end="", file=sys.stderr, flush=True)

    def say(self, line: str, *, on_stdout: bool = False) -> None:
        """Prints a line on stderr, in a log, too; or on stdout, which is often the same terminal.
        There the display goes on below it."""
        with self._lock:
            self._shown = 0.0
            if self._terminal:
                print("\r\033[K", end="", file=sys.stderr, flush=True)
            print(line, file=sys.stdout if on_stdout else sys.stderr, flush=True)

    def _line(self, now: float) -> str:
        part = min(1.0, self._sent / self._size)
        bar = "#" * int(_WIDTH * part)
        left = self._left(now)
        said = "" if left is None else f", {span(left)} left"
        return f"{self._name} [{bar:-<{_WIDTH}}] {int(100 * part):3}%{said}"

    def _left(self, now: float) -> float | None:
        """Seconds, or None while nothing is known."""
        self._seen.append((now, self._sent))
        while now - self._seen[0][0] > _LOOK_BACK:
            self._seen.popleft()
        since, before = self._seen[0]
        if now - since < 1 or self._sent <= before:
            return None
        return max(0, self._size - self._sent) * (now - since) / (self._sent - before)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
