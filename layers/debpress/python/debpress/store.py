"""The port to the object store: what the domain asks of S3, and nothing more.

`debpress.adapters.s3` keeps these promises on S3, `tests.support.memory_store` in memory.
Reads are strongly consistent, as S3's are. A method that cannot know whether its write took
effect (a time-out) raises TransientError; callers repeat the whole step, which is idempotent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Head:
    """What the store says of an object without its bytes.

    `sha256` is hex, and there only when the store itself vouches for all the bytes (an S3
    checksum of type FULL_OBJECT). `served_at` is the store's own clock when it answered.
    """

    key: str
    etag: str
    size: int
    last_modified: datetime
    version_id: str | None = None
    sha256: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    served_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Object:
    """An object with its bytes."""

    head: Head
    body: bytes


class File(Protocol):
    """Bytes that are in a local file rather than in memory: their SHA-256 (hex), and their size."""

    @property
    def sha256(self) -> str: ...

    size: int

    def open(self) -> BinaryIO:
        """The file, at its beginning."""


@dataclass(frozen=True, slots=True)
class Pin:
    """Exactly one state of an object: reads of a Pin never see a later upload."""

    key: str
    etag: str
    version_id: str | None = None


@dataclass(frozen=True, slots=True)
class Immutable:
    """An object whose key holds the hash of its bytes: each state of it has the same ones, so
    none need be pinned, nor looked up first."""

    key: str


@dataclass(frozen=True, slots=True)
class Copied:
    """The state that a copy made. `sha256` is as a Head's: of all the bytes that were copied, from
    the store itself, or None where it gives no such sum."""

    pin: Pin
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class ObjectHeaders:
    """How an object is to be served: what S3 keeps beside the bytes."""

    content_type: str = "application/octet-stream"
    cache_control: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


class PreconditionFailed(Exception):  # noqa: N818 (an outcome that callers choose on, not an error)
    """A conditional write found another writer's object (S3: 412, 409, or 404 on If-Match)."""


class ObjectChanged(Exception):  # noqa: N818 (an outcome, as above)
    """A pinned object is no longer what it was."""


class Store(Protocol):
    """An object store. Every method may raise TransientError or StoreError."""

    def head(self, key: str) -> Head | None:
        """The current state of `key`, or None where there is none."""

    def get(
        self, key: str, version_id: str | None = None, *, if_match: str | None = None
    ) -> Object | None:
        """The object whole, or None where there is none. Raises ObjectChanged, without having read
        it, where its ETag is another than `if_match`."""

    def read(self, key: str) -> tuple[Head, Iterator[bytes]] | None:
        """As `get`, the bytes in pieces of at most 1 MiB, all of one state of the object.

        They raise ObjectChanged where that is gone before all of it was read.
        """

    def stream(self, pin: Pin, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The pinned bytes from `start`, in pieces of at most 1 MiB. Raises ObjectChanged."""

    def put(
        self,
        key: str,
        body: bytes,
        headers: ObjectHeaders = ObjectHeaders(),
        *,
        if_match: str | None = None,
        if_absent: bool = False,
    ) -> Head:
        """Writes the object whole or not at all. Raises PreconditionFailed when a condition fails.

        The Head has no `last_modified` of the store's own: read it again where that matters.
        """

    def put_file(self, key: str, file: File, headers: ObjectHeaders = ObjectHeaders()) -> None:
        """Writes the bytes of a file (5 GB at most), as `put` does without a condition."""

    def copy(
        self,
        source: Pin | Immutable,
        key: str,
        headers: ObjectHeaders = ObjectHeaders(),
        *,
        if_absent: bool = False,
    ) -> Copied:
        """Copies the source's bytes inside the store (5 GB at most).

        Raises ObjectChanged where the source is not there, or not as it was pinned; and
        PreconditionFailed if there was to be nothing at `key`, and is. Not every store looks: some
        copy all the same (docs/emulator.md).
        """

    def delete(
        self, key: str, version_id: str | None = None, *, if_match: str | None = None
    ) -> None:
        """Removes the object; absent is fine. Raises PreconditionFailed where its ETag is another
        than `if_match`.

        Where the store keeps versions, a deletion hides all of them, and can be undone. By its id
        one of them is removed for good; if that was the current one, the one before it is read
        again.
        """

    def now(self, key: str) -> datetime | None:
        """The store's clock, from its answer about `key`, there or not; None if it tells none."""

    def list(self, prefix: str) -> Iterator[Head]:
        """Every object under `prefix`, in key order, however many pages."""
