"""Reads and writes records (`debpress.records`) as JSON objects of the store."""

from __future__ import annotations

from typing import TypeVar

from debpress import codec
from debpress.archive.headers import JSON
from debpress.codec import Record
from debpress.errors import CorruptError, IndexGoneError, TransientError
from debpress.index.form import Checksum, Form
from debpress.store import (
    Head,
    Object,
    ObjectChanged,
    ObjectHeaders,
    PreconditionFailed,
    Store,
)

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


def replace(
    store: Store, key: str, record: Record, over: str | None, headers: ObjectHeaders = JSON
) -> Head:
    """Writes a record over the state whose ETag is `over` (None: there is nothing at `key`). Raises
    PreconditionFailed where somebody else has written meanwhile."""
    body = codec.dump(record)
    return store.put(key, body, headers, if_match=over, if_absent=over is None)


def keep_first(store: Store, key: str, record: Record) -> bool:
    """Writes a record unless `key` holds an object already. Returns whether it certainly did: an
    earlier object may be its own, of a put whose answer was lost. Raises TransientError."""
    return put_first(store, key, codec.dump(record))


def put_first(store: Store, key: str, body: bytes) -> bool:
    """The same of JSON that is no record."""
    for _ in range(5):
        try:
            store.put(key, body, JSON, if_absent=True)
            return True
        except PreconditionFailed:
            # S3 answers 409 while another write is under way, which may still fail: look, or retry.
            if store.head(key) is not None:
                return False
    raise TransientError(f"{key} is being written by somebody again and again")


def read_form(store: Store, key: str, listed: Checksum) -> Form:
    """A stored (compressed) form of an index, checked against the Release's checksum.

    Raises IndexGoneError where the object is missing or has other bytes, and TransientError where
    it was put anew meanwhile.
    """
    found = store.read(key)
    if found is None:
        raise IndexGoneError(key, altered=False)
    try:
        form = Form(found[1])
    except ObjectChanged as error:
        raise TransientError(f"{key} was put anew just now; this passes") from error
    if form.checksum != listed:
        raise IndexGoneError(key, altered=True)
    return form
