"""The store port in memory, as faithful to a versioned S3 bucket as the domain can tell.

tests/integration/test_store_contract.py holds it to the same promises as the adapter for S3.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypeVar

from debpress.clock import Clock
from debpress.errors import StoreError, TransientError
from debpress.store import (
    Copied,
    File,
    Head,
    Immutable,
    Object,
    ObjectChanged,
    ObjectHeaders,
    Pin,
    PreconditionFailed,
)

from tests.support.clock import FakeClock

PIECE = 1 << 20

When = Literal["before", "after"]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Write:
    """A write that took effect."""

    operation: Literal["put", "copy", "delete"]
    key: str


@dataclass(frozen=True, slots=True)
class _Version:
    """One version of an object; a delete marker has no body."""

    id: str
    body: bytes | None
    etag: str
    modified: datetime
    sha256: str | None
    headers: ObjectHeaders


@dataclass(frozen=True, slots=True)
class _Fault:
    at: int
    when: When
    error: BaseException


@dataclass(frozen=True, slots=True)
class Snapshot:
    objects: dict[str, tuple[_Version, ...]]
    log: tuple[Write, ...]


class MemoryStore:
    """A `debpress.store.Store`. Threads may share it.

    With `sums`, a copy gives the SHA-256 of what it copied, as S3 does and emulators don't; put to
    False, a copy gives none, and looks at no condition, as they do. `log` lists the writes that
    took effect, `requests` counts the calls by method (a list counts a request for each thousand
    keys), `bytes_read` the bytes that went out, and `bytes_put` those of puts by key. `on_write`,
    when set, is called with ("put", key) and the like just before each write, outside any lock: a
    test lets another writer in there.
    """

    def __init__(
        self, clock: Clock | None = None, *, versioned: bool = True, sums: bool = True
    ) -> None:
        self.clock = clock or FakeClock()
        self.versioned = versioned
        self.sums = sums
        self.bytes_read = 0
        self.log: list[Write] = []
        self.requests: Counter[str] = Counter()
        self.bytes_put: Counter[str] = Counter()
        self.on_write: Callable[[str, str], None] | None = None
        self._objects: dict[str, tuple[_Version, ...]] = {}
        self._faults: list[_Fault] = []
        self._writes = 0
        self._ids = 0
        self._lock = threading.RLock()

    # The port

    def head(self, key: str) -> Head | None:
        self._count("head")
        version = self._current(key)
        return None if version is None else self._head(key, version)

    def get(
        self, key: str, version_id: str | None = None, *, if_match: str | None = None
    ) -> Object | None:
        self._count("get")
        version = self._find(key, version_id)
        if version is None or version.body is None:
            return None
        if if_match is not None and version.etag != if_match.strip('"'):
            raise ObjectChanged(key)
        self.bytes_read += len(version.body)
        return Object(self._head(key, version), version.body)

    def read(self, key: str) -> tuple[Head, Iterator[bytes]] | None:
        self._count("get")
        version = self._current(key)
        if version is None or version.body is None:
            return None
        body = version.body
        self.bytes_read += len(body)
        pieces = (body[at : at + PIECE] for at in range(0, len(body), PIECE))
        return self._head(key, version), pieces

    def stream(self, pin: Pin, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        if length is not None and length <= 0:
            return
        self._count("stream")
        body = self._pinned(pin).body or b""
        end = len(body) if length is None else min(len(body), start + length)
        self.bytes_read += max(0, end - start)
        for at in range(start, end, PIECE):
            yield body[at : min(at + PIECE, end)]

    def put(
        self,
        key: str,
        body: bytes,
        headers: ObjectHeaders = ObjectHeaders(),  # noqa: B008 (frozen)
        *,
        if_match: str | None = None,
        if_absent: bool = False,
    ) -> Head:
        _check_metadata(headers)

        def write() -> Head:
            current = self._current(key)
            if if_match is not None and (current is None or current.etag != if_match.strip('"')):
                raise PreconditionFailed(key)
            if if_absent and current is not None:
                raise PreconditionFailed(key)
            digest = hashlib.sha256(body).hexdigest()
            self.bytes_put[key] += len(body)
            version = self._add(key, bytes(body), _md5(body), digest, headers)
            # As on S3, the answer to a put says when it was given, not what Last-Modified is.
            return replace(self._head(key, version), last_modified=self.clock.now())

        return self._write("put", key, write)

    def put_file(self, key: str, file: File, headers: ObjectHeaders = ObjectHeaders()) -> None:  # noqa: B008
        body = file.open().read()
        assert (len(body), hashlib.sha256(body).hexdigest()) == (file.size, file.sha256)
        self.put(key, body, headers)

    def copy(
        self,
        source: Pin | Immutable,
        key: str,
        headers: ObjectHeaders = ObjectHeaders(),  # noqa: B008 (frozen)
        *,
        if_absent: bool = False,
    ) -> Copied:
        _check_metadata(headers)

        def write() -> Copied:
            body = self._pinned(source).body or b""
            if if_absent and self.sums and self._current(key) is not None:
                raise PreconditionFailed(key)
            sha256 = hashlib.sha256(body).hexdigest() if self.sums else None
            version = self._add(key, body, _md5(body), sha256, headers)
            return Copied(Pin(key, version.etag, self._head(key, version).version_id), sha256)

        return self._write("copy", key, write)

    def delete(
        self, key: str, version_id: str | None = None, *, if_match: str | None = None
    ) -> None:
        def write() -> None:
            current = self._current(key)
            if if_match is not None and current and current.etag != if_match.strip('"'):
                raise PreconditionFailed(key)
            versions = self._objects.get(key, ())
            if version_id is not None:
                versions = tuple(v for v in versions if v.id != version_id)
            elif not self.versioned:
                versions = ()
            else:
                marker = _Version(self._id(), None, "", self._second(), None, ObjectHeaders())
                versions = (*versions, marker)
            self._objects[key] = versions

        self._write("delete", key, write)

    def now(self, key: str) -> datetime:
        self._count("head")
        return self._second()

    def list(self, prefix: str) -> Iterator[Head]:
        with self._lock:
            found = [
                self._head(key, version)
                for key in sorted(self._objects, key=str.encode)
                if key.startswith(prefix) and (version := self._current(key)) is not None
            ]
        for at, head in enumerate(found):
            if at % 1000 == 0:
                self._count("list")
            yield replace(head, version_id=None, sha256=None, metadata={})
        if not found:
            self._count("list")

    # What tests do to it

    def upload(self, key: str, body: bytes) -> Head:
        """Puts an object as `aws s3 cp` does a large file: in parts, so its ETag is no MD5 and S3
        has no sum of all its bytes. It is neither logged nor counted, and meets no fault."""
        with self._lock:
            version = self._add(key, bytes(body), f"{_md5(body)}-2", None, ObjectHeaders())
            return self._head(key, version)

    def fail_at(
        self,
        k: int,
        when: When = "before",
        error: BaseException | type[BaseException] | None = None,
    ) -> None:
        """Makes the k-th write from now (1 is the next) raise, once, without or with its effect.

        A write that loses its race counts as well. `error` is by default a TransientError.
        """
        raised = TransientError if error is None else error
        if isinstance(raised, type):
            raised = raised(f"write {k} failed, as the test asked")
        with self._lock:
            self._faults.append(_Fault(self._writes + k, when, raised))

    def snapshot(self) -> Snapshot:
        """All of the objects and the log, for `restore`."""
        with self._lock:
            return Snapshot(dict(self._objects), tuple(self.log))

    def restore(self, snapshot: Snapshot) -> None:
        """Goes back to a snapshot, and forgets faults that have not come yet."""
        with self._lock:
            self._objects = dict(snapshot.objects)
            self.log = list(snapshot.log)
            self._faults = []

    def keys(self, prefix: str = "") -> Sequence[str]:
        """The keys of all current objects, in order, without counting as a request."""
        with self._lock:
            return sorted(
                key
                for key in self._objects
                if key.startswith(prefix) and self._current(key) is not None
            )

    def versions(self, key: str) -> Sequence[str]:
        """The ids of a key's versions that have bytes, the newest first."""
        with self._lock:
            return [v.id for v in reversed(self._objects.get(key, ())) if v.body is not None]

    def body(self, key: str) -> bytes:
        """The current bytes of a key, without counting as a request. Raises KeyError."""
        version = self._current(key)
        if version is None or version.body is None:
            raise KeyError(key)
        return version.body

    def headers(self, key: str) -> ObjectHeaders:
        """How the current object is served. Raises KeyError."""
        version = self._current(key)
        if version is None:
            raise KeyError(key)
        return version.headers

    def served(self, key: str) -> tuple[Head, bytes, ObjectHeaders] | None:
        """An object with how it is served, all of one moment, without counting as a request."""
        version = self._current(key)
        if version is None or version.body is None:
            return None
        return self._head(key, version), version.body, version.headers

    # Inside

    def _write(
        self, operation: Literal["put", "copy", "delete"], key: str, write: Callable[[], _T]
    ) -> _T:
        if self.on_write is not None:
            self.on_write(operation, key)
        with self._lock:
            self.requests[operation] += 1
            self._writes += 1
            fault = next((f for f in self._faults if f.at == self._writes), None)
            if fault is not None:
                self._faults.remove(fault)
                if fault.when == "before":
                    raise fault.error
            result = write()
            self.log.append(Write(operation, key))
            if fault is not None:
                raise fault.error
            return result

    def _count(self, method: str) -> None:
        with self._lock:
            self.requests[method] += 1

    def _add(
        self, key: str, body: bytes, etag: str, sha256: str | None, headers: ObjectHeaders
    ) -> _Version:
        version = _Version(self._id(), body, etag, self._second(), sha256, headers)
        earlier = self._objects.get(key, ()) if self.versioned else ()
        self._objects[key] = (*earlier, version)
        return version

    def _id(self) -> str:
        self._ids += 1
        return f"v{self._ids:08}"

    def _second(self) -> datetime:
        """Last-Modified has whole seconds."""
        return self.clock.now().replace(microsecond=0)

    def _current(self, key: str) -> _Version | None:
        with self._lock:
            versions = self._objects.get(key, ())
        return versions[-1] if versions and versions[-1].body is not None else None

    def _find(self, key: str, version_id: str | None) -> _Version | None:
        if version_id is None:
            return self._current(key)
        with self._lock:
            versions = self._objects.get(key, ())
        return next((v for v in versions if v.id == version_id), None)

    def _pinned(self, pin: Pin | Immutable) -> _Version:
        wanted = pin if isinstance(pin, Pin) else None
        version = self._find(pin.key, wanted.version_id if wanted else None)
        if version is None or version.body is None:
            raise ObjectChanged(pin.key)
        if wanted and version.etag != wanted.etag.strip('"'):
            raise ObjectChanged(pin.key)
        return version

    def _head(self, key: str, version: _Version) -> Head:
        return Head(
            key=key,
            etag=version.etag,
            size=len(version.body or b""),
            last_modified=version.modified,
            version_id=version.id if self.versioned else None,
            sha256=version.sha256,
            metadata={name.lower(): text for name, text in version.headers.metadata.items()},
            served_at=self._second(),
        )


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def _check_metadata(headers: ObjectHeaders) -> None:
    """S3 carries metadata in HTTP headers: ASCII only."""
    for name, text in headers.metadata.items():
        if not f"{name}{text}".isascii():
            raise StoreError(f"metadata {name!r} is not ASCII")
