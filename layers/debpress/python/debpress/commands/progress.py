"""Shows the progress of long work on a terminal; prints nothing where stderr is a log."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType

from debpress.commands.text import printable


class Progress:
    """A progress display. It is called with the size of each part that is done: by boto3's
    transfers (with bytes sent, from several threads) and by `verify`."""

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
                print(f"\r\033[K{self._name} {part:3}%", end="", file=sys.stderr, flush=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
