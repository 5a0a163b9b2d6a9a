"""Which suites of patterns there are, an object for each pattern."""

from __future__ import annotations

from debpress.archive import objects
from debpress.concurrency import side_by_side
from debpress.config import Life, Repository
from debpress.layout import Layout
from debpress.records.living import Living
from debpress.store import Store


class LivingSuites:
    """Every method may raise CorruptError."""

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
