"""The ports to a foreign repository: where its files are, and who judges its signature."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class Place(Protocol):
    """The root of a repository. Paths are relative to it, with no `..` in them.

    Every method may raise TransientError, which may work when tried again, or SourceError.
    """

    def uri(self, path: str) -> str:
        """Where a file is, for people, without any password."""

    def read(self, path: str, most: int) -> bytes | None:
        """A file whole, or None where there is none; of a longer one than `most` bytes, `most`
        and one."""

    def stream(self, path: str, start: int = 0) -> Iterator[bytes] | None:
        """A file's bytes from `start` on in pieces, or None where there is none."""


class Verifier(Protocol):
    """Judges signatures by the keys that its user trusts. Raises SigningError saying why not."""

    def clearsigned(self, document: bytes) -> bytes:
        """The text of a clear-signed document that the signature covers."""

    def detached(self, data: bytes, signature: bytes) -> None:
        """Checks an armored or binary signature of `data`."""
