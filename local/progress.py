"""One line for each long step, with the time it took: readable in a terminal and in a CI's log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

# Who watches a log wants a sign of life well before they think of pressing Ctrl-C.
SIGN_OF_LIFE_SECONDS = 20.0


def say(text: str) -> None:
    print(text, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Says what begins, that it still goes on, and how it ended."""
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
    """Quotes what another program said."""
    for line in text.rstrip().splitlines():
        say(f"    | {line}")


def complain(text: str) -> None:
    sys.stdout.flush()
    print(f"error: {text}", file=sys.stderr, flush=True)
