"""The plain names (`Packages.gz`, Release, Release.gpg), for readers that know no by-hash.

They are rewritten after each flip, one by one, from the objects that InRelease lists. So they
disagree with InRelease for moments; apt reads by-hash and is not concerned. The store copies the
indices by itself. `Packages` without a suffix is listed and not served, as in Debian's own archive
(docs/decisions/0017-plain-packages.md).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from debpress import openpgp
from debpress.archive import objects
from debpress.archive.headers import FRESH, GENERATION, TEXT
from debpress.concurrency import at_once, side_by_side
from debpress.errors import IndexGoneError
from debpress.index import release
from debpress.index.form import Checksum
from debpress.layout import PLAIN_SUFFIXES, Layout
from debpress.records.generation import Generation, SignedRelease
from debpress.store import Immutable, Object, ObjectChanged, ObjectHeaders, Store

# Metadata: the SHA-256 of a plain name's bytes, so that a HEAD tells whether it is stale.
_SHA256 = "sha256"


class PlainNames:
    """The plain names of a suite, or of a snapshot by its path below dists/."""

    def __init__(self, store: Store, layout: Layout, path: str) -> None:
        self._store = store
        self._layout = layout
        self._path = path

    def update(
        self,
        flipped: Generation,
        found: Object | None = None,
        signed: SignedRelease | None = None,
        look: Callable[[], Object | None] = lambda: None,
    ) -> None:
        """Makes the plain names agree with InRelease, which `flipped` has just replaced. `found` is
        InRelease, where it was just put or read, and `signed` the generation's signatures. `look`
        reads it again, or says nothing.

        Two committers may do this at once, the slower one from an older InRelease. So each reads
        InRelease again when it is done, and starts over if it was replaced: the last to write has
        then written what is published (docs/protocol.md, interleaving 11).
        """
        key = self._layout.inrelease(self._path)
        while found := found or self._store.get(key):
            self._write(found, flipped, signed)
            seen = look()
            now = seen.head if seen else self._store.head(key)
            if now is not None and now.etag == found.head.etag:
                return
            found = seen

    def _write(self, inrelease: Object, flipped: Generation, signed: SignedRelease | None) -> None:
        text, _ = openpgp.split(inrelease.body)
        generation = inrelease.head.metadata.get(GENERATION, "")
        if flipped.id != generation or signed is None:
            key = self._layout.signed(self._path, generation)
            signed = objects.find(self._store, SignedRelease, key) if generation else None
        if signed is None:
            # The lifecycle has deleted the signature's record of so old a generation; its plain
            # names were written when it was new.
            return
        listed = release.parse(text).files
        files = {name: each for name, each in listed.items() if name.endswith(PLAIN_SUFFIXES)}
        changed = flipped.changed if flipped.id == generation else ()
        # What a life before left, the reaper may have condemned, equal as it is: so a first flip
        # puts all of it anew, which keeps it (docs/protocol.md, interleaving 64).
        stale = self._stale(files, changed) if flipped.parent else list(files)
        side_by_side(lambda name: self._copy(name, files[name]), stale)
        path, headers = self._path, ObjectHeaders(TEXT, FRESH)
        release_gpg = signed.release_gpg.encode()
        at_once(
            lambda: self._store.put(self._layout.release(path), text, headers),
            lambda: self._store.put(self._layout.release_gpg(path), release_gpg, headers),
        )

    def _stale(self, files: Mapping[str, Checksum], changed: Collection[str]) -> list[str]:
        """The plain names whose bytes are not those that `files` lists: those of the indices that
        the flip has changed, of course, and what a committer left old that died half way. So each
        other one is looked at."""
        new = [name for name in files if name.rpartition(".")[0] in changed]
        others = [name for name in files if name not in new]
        heads = side_by_side(
            lambda name: self._store.head(self._layout.dist(self._path, name)), others
        )
        return new + [
            name
            for name, head in zip(others, heads, strict=True)
            if head is None or head.metadata.get(_SHA256) != files[name].sha256
        ]

    def _copy(self, name: str, listed: Checksum) -> None:
        source = self._layout.by_hash(self._path, name, listed.sha256)
        headers = ObjectHeaders(cache_control=FRESH, metadata={_SHA256: listed.sha256})
        try:
            self._store.copy(Immutable(source), self._layout.dist(self._path, name), headers)
        except ObjectChanged as error:
            raise IndexGoneError(source, altered=False) from error
