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
    """Certificates by name, unique below `state/_signers/`. Reads may raise CorruptError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def key(self, name: str) -> str:
        """The key of the object that holds a certificate, also for messages to people."""
        return Layout.certificate(name)

    def find(self, name: str) -> tuple[StoredCertificate, datetime] | None:
        """A certificate, and when it was written; None where there is none by this name."""
        found = self._store.get(self.key(name))
        return None if found is None else (_read(found), found.head.last_modified)

    def add(self, name: str, record: StoredCertificate) -> bool:
        """Stores a certificate where none has this name. Returns whether it did."""
        try:
            self._store.put(self.key(name), _dump(record), JSON, if_absent=True)
        except PreconditionFailed:
            return False
        return True

    def body(self, name: str) -> bytes | None:
        """What is stored by a name, whatever it is; for `keep`."""
        found = self._store.get(self.key(name))
        return None if found is None else found.body

    def keep(self, name: str, record: StoredCertificate, over: bytes | None) -> None:
        """Stores a certificate unless the same one is there, `over` being what is: its
        Last-Modified is the time at which it was first stored, which a rewrite would lose."""
        if over != _dump(record):
            self._store.put(self.key(name), _dump(record), JSON)

    def names(self) -> Iterator[str]:
        """The names of all stored certificates. IAM: s3:ListBucket."""
        prefix = Layout.certificate()
        for head in self._store.list(prefix):
            yield head.key.removeprefix(prefix).removesuffix(".json")


def _read(found: Object) -> StoredCertificate:
    return objects.read(StoredCertificate, found)


def _dump(record: StoredCertificate) -> bytes:
    """Indented JSON in the record's order, because people keep copies of it for a restore."""
    return (json.dumps(codec.encode(record), indent=1) + "\n").encode()
