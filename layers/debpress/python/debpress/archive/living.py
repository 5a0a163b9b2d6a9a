"""Which suites of patterns there are, an object for each pattern."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from debpress.archive import objects
from debpress.clock import iso
from debpress.concurrency import side_by_side
from debpress.config import Life, Repository
from debpress.errors import TransientError
from debpress.layout import Layout
from debpress.records.living import Living
from debpress.store import PreconditionFailed, Store

# Suites that are born at the same moment write one object in turn.
_TRIES = 20


class LivingSuites:
    """Every method may raise CorruptError; those that write, TransientError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, life: Life) -> Living:
        """Those of one pattern."""
        key = Layout.living(life.pattern)
        return objects.find(self._store, Living, key) or Living({})

    def names(self, repository: Repository) -> tuple[str, ...]:
        """Those of every configured pattern, in order of their names; a request for each pattern.
        IAM: s3:GetObject on `state/_suites/`."""
        lives = [each.life for each in repository.patterns if each.life]
        found = side_by_side(self.of, lives)
        return tuple(sorted(name for living in found for name in living.since))

    def enter(
        self, pattern: str, suite: str, now: datetime, most: int | None
    ) -> Mapping[str, str] | None:
        """Enters a suite, anew where it is entered: a reaper that is about to take it out finds
        that the record is another one. Gives those that are there where they are `most` without it,
        and None when it is entered."""
        full: Mapping[str, str] | None = None

        def entered(since: Mapping[str, str]) -> Mapping[str, str]:
            nonlocal full
            is_full = most is not None and suite not in since and len(since) >= most
            full = since if is_full else None
            return since if is_full else {**since, suite: iso(now)}

        self.change(pattern, entered)
        return full

    def change(
        self, pattern: str, change: Callable[[Mapping[str, str]], Mapping[str, str]]
    ) -> None:
        """Replaces what is entered by what `change` makes of it, exactly as it was read."""
        key = Layout.living(pattern)
        for _ in range(_TRIES):
            found = self._store.get(key)
            known = objects.read(Living, found).since if found else {}
            changed = change(known)
            if changed == known:
                return
            try:
                over = found.head.etag if found else None
                objects.replace(self._store, key, Living(changed), over)
                return
            except PreconditionFailed:
                continue
        raise TransientError(f"{key} is being written by others again and again")
