"""`debpress token list`: who may read, and until when; no secret, for there is none to show."""

from __future__ import annotations

import argparse

from debpress import tokens
from debpress.clock import Clock, from_iso
from debpress.commands import arguments as args
from debpress.commands import text
from debpress.commands.token import door


def add_arguments(parser: argparse.ArgumentParser) -> None:
    args.add_json(parser)
    door.add_arguments(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    found = tokens.listed(door.opened(arguments))
    ended = {
        name: bool(t.end) and from_iso(t.end or "") <= clock.now() for name, t in found.items()
    }
    if arguments.json:
        text.print_json(
            [
                {"name": name, "since": t.since, "end": t.end, "ended": ended[name]}
                | {"suites": None if t.suites is None else list(t.suites)}
                for name, t in found.items()
            ]
        )
    elif not found:
        print("nobody has a token")
    else:
        text.print_table(
            (
                name,
                f"since {t.since}",
                f"{'ended' if ended[name] else 'until'} {t.end}" if t.end else "without an end",
                "all suites" if t.suites is None else " ".join(t.suites),
            )
            for name, t in found.items()
        )
    return 0
