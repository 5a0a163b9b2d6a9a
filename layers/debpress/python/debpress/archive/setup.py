"""The record of the last set-up that succeeded, as an object."""

from __future__ import annotations

from debpress import codec
from debpress.archive import objects
from debpress.archive.headers import JSON
from debpress.errors import CorruptError
from debpress.layout import Layout
from debpress.records.setup import SetUpDone
from debpress.store import Store


class SetUpArchive:
    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self) -> SetUpDone | None:
        """The record; None where there is none, or none that this version can read: a set-up that
        succeeds writes it anew."""
        found = self._store.get(Layout.setup())
        try:
            return objects.read(SetUpDone, found) if found else None
        except CorruptError:
            return None

    def keep(self, record: SetUpDone) -> None:
        self._store.put(Layout.setup(), codec.dump(record), JSON)
