"""The plain names (`Packages.gz`, Release, Release.gpg), for readers that know no by-hash.

They are a courtesy: made to agree with InRelease after each flip, from the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

from debpress import openpgp
from debpress.archive import objects
from debpress.archive.headers import FRESH, GENERATION, TEXT
from debpress.concurrency import side_by_side
from debpress.index import gz, release
from debpress.index.packages import Checksum
from debpress.layout import Layout
from debpress.records.generation import SignedRelease
from debpress.store import Object, ObjectHeaders, Store

# The plain names carry the sum of their bytes, to tell a stale one without reading it.
_SHA256 = "sha256"


class PlainNames:
    """Of a suite, or of a snapshot by its path below dists/."""

    def __init__(self, store: Store, layout: Layout, path: str) -> None:
        self._store = store
        self._layout = layout
        self._path = path

    def update(self) -> None:
        """Makes them agree with InRelease.

        Two committers may do this at once, the slower with the older state. Each looks at InRelease
        again when it is done and starts over if it moved, so whoever writes last has written what
        is published (docs/protocol.md, interleaving 11).
        """
        done = ""
        while True:
            found = self._store.get(self._layout.inrelease(self._path))
            if found is None or found.head.etag == done:
                return
            self._write(found)
            done = found.head.etag

    def _write(self, inrelease: Object) -> None:
        text, _ = openpgp.split(inrelease.body)
        generation = inrelease.head.metadata.get(GENERATION, "")
        key = self._layout.signed(self._path, generation)
        signed = objects.find(self._store, SignedRelease, key) if generation else None
        if signed is None:
            return  # Older than its notes are kept: its plain names were written when it was new.
        files = release.parse(text).files
        side_by_side(lambda name: self._write_index(name, files), self._stale(files))
        path, headers = self._path, ObjectHeaders(TEXT, FRESH)
        self._store.put(self._layout.release(path), text, headers)
        self._store.put(self._layout.release_gpg(path), signed.release_gpg.encode(), headers)

    def _stale(self, files: Mapping[str, Checksum]) -> list[str]:
        """Looked at one by one, as a committer that died half way through leaves any mixture."""
        keys = [self._layout.dist(self._path, name) for name in files]
        return [
            name
            for name, head in zip(files, side_by_side(self._store.head, keys), strict=True)
            if head is None or head.metadata.get(_SHA256) != files[name].sha256
        ]

    def _write_index(self, name: str, files: Mapping[str, Checksum]) -> None:
        headers = ObjectHeaders(cache_control=FRESH, metadata={_SHA256: files[name].sha256})
        # The text has no by-hash object: apt never asks for it where .xz and .gz are listed.
        form = name if name.endswith((".gz", ".xz")) else f"{name}.gz"
        key = self._layout.by_hash(self._path, form, files[form].sha256)
        body = objects.read_form(self._store, key, files[form])
        plain = body if form == name else gz.inflate(body)
        self._store.put(self._layout.dist(self._path, name), plain, headers)
