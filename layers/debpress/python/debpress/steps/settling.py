"""Which suites of patterns there are is brought in line with what there is, after each reaping.

A suite is taken out when it has no InRelease and no batch that waits, and was entered hours ago:
the first generation of one that was entered later may be on its way. One that has an InRelease is
entered, should that ever be missing (docs/protocol.md, interleaving 58).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from debpress.clock import from_iso, iso
from debpress.errors import TransientError
from debpress.steps.services import Services

# From merge to commit: a function runs 15 minutes at most, and is tried five times.
_BEING_BORN = timedelta(hours=3)


def settle(
    services: Services, prefixes: Iterable[str], alive: Collection[str], now: datetime
) -> None:
    """Of the patterns with these prefixes; `alive` are the paths of what has an InRelease with an
    end."""
    suites, repository = services.archive.suites, services.repository

    def is_there(name: str, since: str) -> bool:
        return name in alive or now - from_iso(since) < _BEING_BORN or _is_used(services, name)

    for prefix in prefixes:
        pattern = f"{prefix}*"
        lives = {name: repository.life(name) for name in alive}
        here = [name for name, life in lives.items() if life and life.pattern == pattern]

        def settled(since: Mapping[str, str], here: list[str] = here) -> Mapping[str, str]:
            there = {name: at for name, at in since.items() if is_there(name, at)}
            return {**dict.fromkeys(here, iso(now)), **there}

        with suppress(TransientError):  # Many are being born just now: an hour later, then.
            suites.change(pattern, settled)


def _is_used(services: Services, name: str) -> bool:
    """Whether it has an InRelease by now, or a batch waits: looked at after the record was read, so
    whoever enters it later finds that changed."""
    archive = services.archive
    is_published = archive.head(archive.layout.inrelease(name)) is not None
    return is_published or not archive.runs(name).is_queue_empty()
