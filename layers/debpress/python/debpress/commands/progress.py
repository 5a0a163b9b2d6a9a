"""Shows the progress of long work on a terminal. Where stderr is a log, there are lines alone."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType

from debpress.commands.text import printable

_WIDTH = 30


class Progress:
    """A progress display. It is called with the size of each part that is done: by
    transfers (with bytes sent, from several threads; fewer than none where some are sent again)
    and by `verify`."""

    def __init__(self, name: str, size: int) -> None:
        self._name = printable(name)
        self._size = max(size, 1)
        self._sent = 0
        self._shown = 0.0
        self._lock = threading.Lock()
        self._terminal = sys.stderr.isatty()

    def __enter__(self) -> Progress:
        return self

    def __call__(self, count: int) -> None:
        with self._lock:
            self._sent += count
            now = time.monotonic()
            if self._terminal and now - self._shown >= 0.1:
                self._shown = now
                part = min(100, 100 * self._sent // self._size)
                bar = "#" * (part * _WIDTH // 100)
                line = f"\r\033[K{self._name} [{bar:<{_WIDTH}}] {part:3}%"
                print(line, end="", file=sys.stderr, flush=True)

    def say(self, line: str) -> None:
        """Prints a line on stderr, in a log, too. On a terminal the display goes on below it."""
        with self._lock:
            self._shown = 0.0
            start = "\r\033[K" if self._terminal else ""
            print(f"{start}{line}", file=sys.stderr, flush=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
