"""The batches that wait for a suite of a pattern which has no InRelease: their executions have died
before the first flip, or it has ended meanwhile.

The next publish to the suite takes them in, as in every other suite. So what is remembered of it is
kept, and their packages are, as long as an upload that nobody takes in is kept in staging.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from debpress.archive.named import Named
from debpress.config import Repository
from debpress.layout import STATE, Layout
from debpress.store import Store


class WaitingPaths:
    """Of one reaping: the suites for which a batch has waited for `staging_days` at most, and the
    keys of these batches' packages. They are read before it is listed which suites have an
    InRelease: a batch that has left its queue by now is in one of these, or was refused."""

    def __init__(self, store: Store, repository: Repository, now: datetime) -> None:
        since = now - timedelta(days=repository.staging_days)
        prefixes = [each.life.prefix for each in repository.patterns if each.life]
        heads = [head for each in prefixes for head in store.list(f"{STATE}{each}")]
        self.paths = {
            path
            for head in heads
            if head.key.startswith(Layout.queue(path := _suite(head.key)))
            and head.last_modified >= since
        }
        found = [Named(store, repository.layout, path).soon() for path in self.paths]
        self.named = {key for keys in found for key in keys}


def _suite(key: str) -> str:
    return key.removeprefix(STATE).partition("/")[0]
