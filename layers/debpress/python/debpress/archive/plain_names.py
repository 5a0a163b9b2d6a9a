"""The plain names (`Packages.gz`, Release, Release.gpg), for readers that know no by-hash.

They are rewritten after each flip, one by one, from the objects that InRelease lists. So they
disagree with InRelease for moments; apt reads by-hash and is not concerned.
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

# Metadata: the SHA-256 of a plain name's bytes, so that a HEAD tells whether it is stale.
_SHA256 = "sha256"


class PlainNames:
    """The plain names of a suite, or of a snapshot by its path below dists/."""

    def __init__(self, store: Store, layout: Layout, path: str) -> None:
        self._store = store
        self._layout = layout
        self._path = path

    def update(self) -> None:
        """Makes the plain names agree with InRelease.

        Two committers may do this at once, the slower one from an older InRelease. So each reads
        InRelease again when it is done, and starts over if it was replaced: the last to write has
        then written what is published (docs/protocol.md, interleaving 11).
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
            # The lifecycle has deleted the signature's record of so old a generation; its plain
            # names were written when it was new.
            return
        files = release.parse(text).files
        side_by_side(lambda name: self._write_index(name, files), self._stale(files))
        path, headers = self._path, ObjectHeaders(TEXT, FRESH)
        self._store.put(self._layout.release(path), text, headers)
        self._store.put(self._layout.release_gpg(path), signed.release_gpg.encode(), headers)

    def _stale(self, files: Mapping[str, Checksum]) -> list[str]:
        """The plain names whose bytes are not those that `files` lists.

        Each is looked at, because a committer that died half way leaves some new and some old.
        """
        keys = [self._layout.dist(self._path, name) for name in files]
        return [
            name
            for name, head in zip(files, side_by_side(self._store.head, keys), strict=True)
            if head is None or head.metadata.get(_SHA256) != files[name].sha256
        ]

    def _write_index(self, name: str, files: Mapping[str, Checksum]) -> None:
        headers = ObjectHeaders(cache_control=FRESH, metadata={_SHA256: files[name].sha256})
        # The uncompressed index has no by-hash object (apt prefers .xz and .gz): inflate the .gz.
        form = name if name.endswith((".gz", ".xz")) else f"{name}.gz"
        key = self._layout.by_hash(self._path, form, files[form].sha256)
        body = objects.read_form(self._store, key, files[form])
        plain = body if form == name else gz.inflate(body)
        self._store.put(self._layout.dist(self._path, name), plain, headers)
