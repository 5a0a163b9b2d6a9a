"""Notes of what a suite took out, an object a version: what was ever published is remembered."""

from __future__ import annotations

from collections.abc import Iterable

from debpress.archive import objects
from debpress.archive.suite import SuiteArchive
from debpress.concurrency import side_by_side
from debpress.errors import TransientError
from debpress.index.versions import digest
from debpress.layout import Layout
from debpress.records.generation import Generation
from debpress.records.gone import GonePackage, GoneUpTo, GoneVersion, gone_by
from debpress.store import PreconditionFailed, Store


class GoneArchive:
    def __init__(self, store: Store, suite: SuiteArchive) -> None:
        self._store = store
        self._suite = suite

    def find(self, versions: Iterable[tuple[str, str]]) -> list[GoneVersion]:
        """See `debpress.suite.loader.Loader`."""
        keys = dict.fromkeys(self._key(*version) for version in versions)
        found = side_by_side(lambda key: objects.find(self._store, GoneVersion, key), keys)
        return [each for each in found if each is not None]

    def note(self, record: Generation) -> None:
        """Notes what a generation takes out and has forgotten: before it is committed, so that no
        moment is without either the index that has it or the note (interleaving 25).

        A request or two for each version, whatever else is noted. Raises TransientError.
        """
        news: dict[str, list[GonePackage]] = {}
        for each in gone_by(record):
            news.setdefault(self._key(each.package, each.version), []).append(each)
        side_by_side(lambda item: self._fold(*item), news.items())

    def catch_up(self, newest: str | None) -> None:
        """Notes what a debpress that knew of no notes took out, from the records of generations:
        those since it was last done, one read each."""
        if newest is None:
            return
        done = objects.find(self._store, GoneUpTo, Layout.gone_upto(self._suite.path))
        if done is not None and done.upto == newest:
            return
        for record in self._suite.chain(newest, done.upto if done else None):
            self.note(record)
        objects.keep(self._store, Layout.gone_upto(self._suite.path), GoneUpTo(newest))

    def _fold(self, key: str, news: list[GonePackage]) -> None:
        """Adds to a note exactly as it was read: two merges may take out, at once, what is noted
        together (interleaving 27)."""
        for _ in range(5):
            found = self._store.get(key)
            known = objects.read(GoneVersion, found) if found else GoneVersion()
            folded = known.folded(news)
            if found is not None and folded == known:
                return
            try:
                objects.replace(self._store, key, folded, found.head.etag if found else None)
                return
            except PreconditionFailed:
                continue
        raise TransientError(f"{key} is being written by others again and again")

    def _key(self, package: str, version: str) -> str:
        return Layout.gone(self._suite.path, package, digest(version))
