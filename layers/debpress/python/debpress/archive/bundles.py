"""The Sigstore bundles of packages: as they are staged, and as they are kept by hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from debpress.archive.objects import put_first
from debpress.concurrency import side_by_side
from debpress.layout import BUNDLE, Layout
from debpress.provenance.bundles import check_size
from debpress.store import Store


class Bundles:
    """Kept for ever, as generations are, whatever becomes of the package: what was proven once can
    be proven again."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def staged(self, key: str) -> bytes | None:
        """What was uploaded beside the staged package at `key`. Raises ProvenanceError where that
        is too much to be read, ObjectChanged.

        It needs no pin: whatever is read here is what is verified, and what is kept.
        """
        head = self._store.head(f"{key}{BUNDLE}")
        if head is None:
            return None
        check_size(head.size)
        # The condition, lest one that was replaced by a huge one is read into memory.
        found = self._store.get(head.key, if_match=head.etag)
        return found.body if found else None

    def keep(self, sha256: str, bundle: bytes) -> str:
        """Keeps a bundle of the package of this SHA-256; gives its own. Doing it again is harmless:
        the key follows from the bytes. Raises TransientError."""
        digest = hashlib.sha256(bundle).hexdigest()
        put_first(self._store, Layout.provenance(sha256, digest), bundle)
        return digest

    def of(self, sha256: str) -> list[str]:
        """The keys of the bundles of a package."""
        return [head.key for head in self._store.list(Layout.provenance(sha256))]

    def every(self) -> Mapping[str, list[str]]:
        """The keys of all bundles, by the packages' SHA-256."""
        found: dict[str, list[str]] = {}
        for head in self._store.list(Layout.provenance()):
            sha256 = head.key.removeprefix(Layout.provenance()).partition("/")[0]
            found.setdefault(sha256, []).append(head.key)
        return found

    def read(self, keys: Sequence[str]) -> Mapping[str, bytes | None]:
        """The bundles at these keys; None for what is gone, or is not what its key says."""

        def one(key: str) -> bytes | None:
            found = self._store.get(key)
            name = f"{hashlib.sha256(found.body).hexdigest()}{BUNDLE}" if found else None
            return found.body if found and key.endswith(f"/{name}") else None

        return dict(zip(keys, side_by_side(one, keys), strict=True))
