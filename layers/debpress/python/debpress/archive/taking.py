"""A staged file's bytes and their SHA-256, with as few of them through the function as can be.

A small file is read whole, by one request, and summed here. Of a large one S3 is asked for the sum:
where the upload came without one, the file is copied to a place that nothing names, since S3 sums
what it copies. That copy is then what is inspected and published, so nobody can replace it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from debpress import deb
from debpress.records.batch import StagedFile
from debpress.store import ObjectChanged, Pin, Store

# Bytes. A file is read whole if it would be unpacked to its end anyway (`inspect_bytes`), or if
# a copy would take longer than reading it.
_WORTH_A_COPY = 1024 * 1024
_MOST_WHOLE = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Taken:
    """One state of a file, `sha256` the sum of all its bytes: what is inspected by `reader` and
    what is to be copied from `pin` are the very bytes that were summed (law 9)."""

    pin: Pin
    sha256: str
    reader: deb.Reader


def is_small(size: int, whole: int) -> bool:
    """Whether a file of `size` bytes is held in memory, `whole` being the configured most that is
    unpacked to its end."""
    return size <= min(max(whole, _WORTH_A_COPY), _MOST_WHOLE)


def take(store: Store, key: str, file: StagedFile, place: str, *, small: bool) -> Taken:
    """The file at `key`, as the plan has pinned it. A large one may be copied to `place`, where it
    is left to the reaper. Raises ObjectChanged."""
    return _held(store, key, file.etag) if small else _summed(store, key, file.etag, place)


def _held(store: Store, key: str, etag: str) -> Taken:
    # The condition, lest a file that was replaced by a huge one is read into memory.
    found = store.get(key, if_match=etag)
    if found is None or found.head.etag != etag:
        raise ObjectChanged(key)
    pin = Pin(key, found.head.etag, found.head.version_id)
    return Taken(pin, hashlib.sha256(found.body).hexdigest(), _Held(found.body))


def _summed(store: Store, key: str, etag: str, place: str) -> Taken:
    head = store.head(key)
    if head is None or head.etag != etag:
        raise ObjectChanged(key)
    staged = Pin(key, head.etag, head.version_id)
    if head.sha256 is not None:
        return Taken(staged, head.sha256, _Pinned(store, staged))
    copied = store.copy(staged, place)
    if copied.sha256 is not None:
        return Taken(copied.pin, copied.sha256, _Pinned(store, copied.pin))
    return Taken(staged, _sha256(store, staged), _Pinned(store, staged))


class _Held:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def read(self, start: int, length: int) -> bytes:
        return self._body[start : start + length]


class _Pinned:
    """Each read is one ranged request to the store."""

    def __init__(self, store: Store, pin: Pin) -> None:
        self._store = store
        self._pin = pin

    def read(self, start: int, length: int) -> bytes:
        return b"".join(self._store.stream(self._pin, start, length))


def _sha256(store: Store, pin: Pin) -> str:
    digest = hashlib.sha256()
    for piece in store.stream(pin):
        digest.update(piece)
    return digest.hexdigest()
