"""Prints a line for each long step, with its duration, for terminals and for the logs of CI."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

# Soon enough that nobody takes a long step for a stuck one, and presses Ctrl-C.
SIGN_OF_LIFE_SECONDS = 20.0


def say(text: str) -> None:
    print(text, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Prints that a step begins, that it still runs, and how it ended."""
    begun = time.monotonic()
    say(f"==> {what}")
    over = Event()

    def alive() -> None:
        while not over.wait(SIGN_OF_LIFE_SECONDS):
            say(f"    … {time.monotonic() - begun:.0f} s")

    watcher = Thread(target=alive, daemon=True)
    watcher.start()
    try:
        yield
    except BaseException:
        over.set()
        say(f"    failed after {time.monotonic() - begun:.1f} s: {what}")
        raise
    over.set()
    say(f"    done in {time.monotonic() - begun:.1f} s")


def show(text: str) -> None:
    """Prints another program's output, indented."""
    for line in text.rstrip().splitlines():
        say(f"    | {line}")


def complain(text: str) -> None:
    sys.stdout.flush()
    print(f"error: {text}", file=sys.stderr, flush=True)
