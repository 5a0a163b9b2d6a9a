"""The stored certificates of signers, as objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from debpress import codec
from debpress.archive import objects
from debpress.archive.headers import JSON
from debpress.layout import Layout
from debpress.records.rotation import StoredCertificate
from debpress.store import Object, PreconditionFailed, Store


class CertificateArchive:
    """By names that are unique below `state/_signers/`. Reads may raise CorruptError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def key(self, name: str) -> str:
        """Where one is, for a person."""
        return Layout.certificate(name)

    def find(self, name: str) -> tuple[StoredCertificate, datetime] | None:
        """One, and when it was written."""
        found = self._store.get(self.key(name))
        return None if found is None else (_read(found), found.head.last_modified)

    def add(self, name: str, record: StoredCertificate) -> bool:
        """Stores one where there is none; says whether there was none."""
        try:
            self._store.put(self.key(name), _dump(record), JSON, if_absent=True)
        except PreconditionFailed:
            return False
        return True

    def keep(self, name: str, record: StoredCertificate) -> None:
        """Stores one, unless the very same is there: when it was written first is told by it."""
        found = self._store.get(self.key(name))
        if found is None or found.body != _dump(record):
            self._store.put(self.key(name), _dump(record), JSON)

    def names(self) -> Iterator[str]:
        """Of all that are stored. IAM: s3:ListBucket."""
        prefix = Layout.certificate()
        for head in self._store.list(prefix):
            yield head.key.removeprefix(prefix).removesuffix(".json")


def _read(found: Object) -> StoredCertificate:
    return objects.read(StoredCertificate, found)


def _dump(record: StoredCertificate) -> bytes:
    """For people, who restore it should it be lost: lines, in the record's order."""
    return (json.dumps(codec.encode(record), indent=1) + "\n").encode()
