"""Reads and writes records (`debpress.records`) as JSON objects of the store."""

from __future__ import annotations

from typing import TypeVar

from debpress import codec
from debpress.archive.headers import JSON
from debpress.codec import Record
from debpress.errors import CorruptError, IndexGoneError, TransientError
from debpress.index.packages import Checksum, checksum_of
from debpress.store import Object, PreconditionFailed, Store

_R = TypeVar("_R", bound=Record)


def find(store: Store, kind: type[_R], key: str) -> _R | None:
    """The record at `key`, None where there is no object. Raises CorruptError for no record."""
    found = store.get(key)
    return None if found is None else read(kind, found)


def read(kind: type[_R], found: Object) -> _R:
    """The record in an object that was read already. Raises CorruptError."""
    return codec.load(kind, found.body, found.head.key)


def require(store: Store, kind: type[_R], key: str) -> _R:
    """The record at `key`. Raises CorruptError also where there is no object."""
    found = find(store, kind, key)
    if found is None:
        raise CorruptError(f"{key} is gone; upload the batch's manifest again to start anew")
    return found


def keep(store: Store, key: str, record: Record) -> None:
    """Writes a record, replacing what `key` holds."""
    store.put(key, codec.dump(record), JSON)


def keep_first(store: Store, key: str, record: Record) -> None:
    """Writes a record unless `key` holds an object already. Raises TransientError."""
    for _ in range(5):
        try:
            store.put(key, codec.dump(record), JSON, if_absent=True)
            return
        except PreconditionFailed:
            # S3 answers 409 while another write is under way, which may still fail: look, or retry.
            if store.head(key) is not None:
                return
    raise TransientError(f"{key} is being written by somebody again and again")


def read_form(store: Store, key: str, listed: Checksum) -> bytes:
    """The bytes of a stored (compressed) form of an index, checked against the Release's checksum.

    Raises IndexGoneError where the object is missing or has other bytes.
    """
    found = store.get(key)
    if found is None:
        raise IndexGoneError(key, altered=False)
    if checksum_of(found.body) != listed:
        raise IndexGoneError(key, altered=True)
    return found.body
