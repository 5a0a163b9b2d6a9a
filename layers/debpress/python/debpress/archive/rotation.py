"""The record of a key's rotation, as an object."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from debpress.archive import objects
from debpress.errors import RotationError
from debpress.layout import Layout
from debpress.records.rotation import Rotation
from debpress.store import PreconditionFailed, Store


@dataclass(frozen=True, slots=True)
class Stored:
    """The record as it was read, its ETag, and the store's clock then (None if it tells none)."""

    record: Rotation
    etag: str
    now: datetime | None


class RotationArchive:
    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self) -> Stored | None:
        """The stored record; None where no key was ever rotated.

        Raises CorruptError. IAM: s3:GetObject on the record.
        """
        found = self._store.get(Layout.rotation())
        if found is None:
            return None
        record = objects.read(Rotation, found)
        return Stored(record, found.head.etag, found.head.served_at)

    def keep(self, record: Rotation, over: str | None) -> str:
        """Replaces the record whose ETag is `over` (None: there is none yet); gives the new ETag.

        Raises RotationError when somebody else has written the record meanwhile.
        """
        try:
            return objects.replace(self._store, Layout.rotation(), record, over).etag
        except PreconditionFailed:
            raise RotationError(
                "somebody else took a step of the rotation meanwhile; look at `debpress key rotate "
                "status`"
            ) from None

    def now(self) -> datetime | None:
        """The store's clock, None where it tells none."""
        head = self._store.head(Layout.rotation())
        return head.served_at if head else None
