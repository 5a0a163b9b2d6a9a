"""What happens when somebody ends the command: it goes as if it were interrupted."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class Ended(KeyboardInterrupt):
    """By a signal. `code` is what a shell says of a program that dies by it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = 128 + number


@contextmanager
def orderly() -> Iterator[None]:
    """Within, SIGTERM and SIGHUP raise Ended, so that what is temporary is removed. One that is
    ignored, as nohup has it, stays so."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Signals are the first thread's.
        return
    taken = [each for each in _SIGNALS if signal.getsignal(each) == signal.SIG_DFL]
    for each in taken:
        signal.signal(each, _end)
    try:
        yield
    finally:
        for each in taken:
            signal.signal(each, signal.SIG_DFL)


def _end(number: int, _frame: FrameType | None) -> None:
    # A terminal that closes sends it twice, and the second one must not break off the cleaning up.
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise Ended(number)
