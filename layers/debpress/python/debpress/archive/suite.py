"""A suite's releases: what is published, the chain of generations behind it, their indices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from debpress import openpgp
from debpress.archive import objects
from debpress.archive.headers import BY_HASH, EXPIRES, FRESH, GENERATION, TEXT
from debpress.archive.plain_names import PlainNames
from debpress.clock import Clock, from_iso
from debpress.concurrency import side_by_side
from debpress.errors import IndexGoneError, TransientError
from debpress.index import release
from debpress.index.form import Checksum, Form
from debpress.index.release import Release
from debpress.layout import DIFFS, INDEX_SUFFIXES, Layout
from debpress.records.generation import Ended, Generation, SignedRelease, number
from debpress.store import Head, Object, ObjectChanged, ObjectHeaders, Pin, Store
from debpress.suite.published import Published

if TYPE_CHECKING:
    from debpress.index.packages import Packages
    from debpress.index.pdiff import Difference
    from debpress.index.writer import Built


class SuiteArchive:
    """`path` is the suite's name, or a snapshot's path below dists/."""

    def __init__(self, store: Store, layout: Layout, clock: Clock, path: str) -> None:
        self.path = path
        self._store = store
        self._layout = layout
        self._clock = clock

    # What is published

    def inrelease(self) -> Object | None:
        """The published InRelease as it is."""
        return self._store.get(self._layout.inrelease(self.path))

    def published(self) -> Published | None:
        """The suite as it is published, or None before its first flip. Raises CorruptError when
        InRelease can't be read."""
        found = self.inrelease()
        return None if found is None else self.parse(found)

    def parse(self, inrelease: Object) -> Published:
        """The contents of an InRelease of this suite; its signature is not checked here.

        `now` is the store's clock, or this machine's where the store tells none. Raises
        CorruptError or SigningError.
        """
        text, _ = openpgp.split(inrelease.body)
        head = inrelease.head
        return Published(
            release=release.parse(text),
            etag=head.etag,
            last_modified=head.last_modified,
            generation=head.metadata.get(GENERATION),
            now=head.served_at or self._clock.now(),
            expires=from_iso(head.metadata[EXPIRES]) if EXPIRES in head.metadata else None,
        )

    def now(self, state: Published | None) -> datetime:
        """The store's clock, also where nothing is published yet: if a function's clock were ahead
        and chose the first Date, hosts would refuse the Release as coming from the future."""
        if state is not None:
            return state.now
        return self._store.now(self._layout.inrelease(self.path)) or self._clock.now()

    def ends(self) -> str | None:
        """When it ends (ISO 8601), None where it has no end, or is not there."""
        head = self._store.head(self._layout.inrelease(self.path))
        return head.metadata.get(EXPIRES) if head else None

    def put_inrelease(self, record: Generation, body: bytes, if_match: str | None) -> Head:
        """The flip: replaces the InRelease whose ETag is `if_match`; None creates the first.

        Raises PreconditionFailed when another flip came first.
        """
        expires = {EXPIRES: record.expires} if record.expires else {}
        headers = ObjectHeaders(TEXT, FRESH, {GENERATION: record.id, **expires})
        head = self._store.put(
            self._layout.inrelease(self.path),
            body,
            headers,
            if_match=if_match,
            if_absent=if_match is None,
        )
        return replace(head, metadata=headers.metadata)

    def update_plain_names(
        self,
        flipped: Generation,
        found: Object | None = None,
        signed: SignedRelease | None = None,
        look: Callable[[], Object | None] = lambda: None,
    ) -> None:
        """Makes the plain names, for readers that know no by-hash, agree with InRelease."""
        PlainNames(self._store, self._layout, self.path).update(flipped, found, signed, look)

    # Generations

    def generation(self, generation: str) -> Generation:
        """A generation's record. Raises CorruptError."""
        return objects.require(
            self._store, Generation, self._layout.generation(self.path, generation)
        )

    def chain(self, newest: str | None, base: str | None) -> Iterator[Generation]:
        """See `debpress.suite.loader.Loader`."""
        while newest and newest != base and number(newest) > number(base):
            key = self._layout.generation(self.path, newest)
            record = objects.find(self._store, Generation, key)
            if record is None:
                return
            yield record
            newest = record.previous

    def decider(self, newest: str | None, run: str, base: str | None) -> Generation | None:
        """The generation, `newest` or one before it, that has decided a run which began at
        `base`."""
        return next((each for each in self.chain(newest, base) if run in each.decided), None)

    def keep_generation(
        self,
        record: Generation,
        indices: Mapping[str, Built],
        contents: Mapping[str, Form] = MappingProxyType({}),
    ) -> None:
        """Writes a generation's indices under their hashes, and its record: side by side, since
        nobody is told of the record before both are there.

        An index is put even where it exists: the reaper may be about to delete it, but deletes only
        the version that it has looked at, so the version that is put now stays.
        """
        puts = [
            partial(self._put_form, f"{name}{suffix}", form)
            for name, built in indices.items()
            for suffix, form in built.compressed.items()
        ]
        puts += [
            partial(self._put_difference, name, built.difference)
            for name, built in indices.items()
            if built.difference
        ]
        # Those of a component are in one folder, where equal ones are one object: put once.
        once = {self._layout.by_hash(self.path, n, f.sha256): (n, f) for n, f in contents.items()}
        puts += [partial(self._put_form, *each) for each in once.values()]
        side_by_side(lambda put: put(), [*puts, partial(self.keep_record, record)])

    def ended(self) -> Ended | None:
        """What the reaper noted of it when it last took its InRelease away, if that is kept."""
        return objects.find(self._store, Ended, self._layout.ended(self.path))

    def newest(self) -> str | None:
        """The id of the generation that hosts read; where the suite has ended, of the last one that
        they read. IAM: s3:GetObject on the InRelease and on the note of its end."""
        if (state := self.published()) is not None:
            return state.generation
        ended = self.ended()
        return ended.generation if ended else None

    def committed(self) -> Generation | None:
        """The record of the generation that hosts read; None before the first flip, or where the
        metadata of InRelease names no generation."""
        head = self._store.head(self._layout.inrelease(self.path))
        generation = head.metadata.get(GENERATION) if head else None
        return self.generation(generation) if generation else None

    def keep_record(self, record: Generation) -> None:
        objects.keep(self._store, self._layout.generation(self.path, record.id), record)

    def signed(self, generation: str) -> SignedRelease | None:
        key = self._layout.signed(self.path, generation)
        return objects.find(self._store, SignedRelease, key)

    def keep_signed(self, generation: str, signed: SignedRelease) -> None:
        objects.keep(self._store, self._layout.signed(self.path, generation), signed)

    # Indices

    def index(self, listed: Release, name: str) -> Packages:
        """See `debpress.suite.loader.Loader`."""
        from debpress.index.packages import Packages  # noqa: PLC0415 (who signs reads no index)

        names = [name + suffix for suffix in INDEX_SUFFIXES]
        gz, xz = side_by_side(lambda name: self.form(name, listed.files[name]), names)
        return Packages(gz, xz)

    def form(self, name: str, listed: Checksum) -> Form:
        """See `debpress.suite.loader.Loader`."""
        key = self._layout.by_hash(self.path, name, listed.sha256)
        return objects.read_form(self._store, key, listed)

    def copy_indices(self, listed: Release, path: str) -> None:
        """Copies every index that a Release of this suite lists to a snapshot's by-hash folders.

        `path` is the snapshot's, below dists/. The store copies by itself, and even where the copy
        exists (see `keep_generation`). Raises IndexGoneError for an index that is deleted.
        """
        names = [name for name in listed.files if name.endswith(INDEX_SUFFIXES)]
        # Where two have one key, which Contents may have, there is one copy.
        once = {self._layout.by_hash(path, n, listed.files[n].sha256): n for n in names}
        side_by_side(lambda name: self._copy_form(name, listed.files[name], path), once.values())

    def _copy_form(self, name: str, listed: Checksum, path: str) -> None:
        key = self._layout.by_hash(self.path, name, listed.sha256)
        head = self._store.head(key)
        if head is None or head.size != listed.size:
            raise IndexGoneError(key, altered=False)
        try:
            # The name is the content's hash, so every version of the object has the same bytes.
            target = self._layout.by_hash(path, name, listed.sha256)
            self._store.copy(Pin(key, head.etag), target, BY_HASH)
        except ObjectChanged as error:
            raise TransientError(f"{key} was put anew just now; this passes") from error

    def _put_difference(self, name: str, found: Difference) -> None:
        """The script before the Index that lists it. A host that misses one fetches the index."""
        self._store.put(self._layout.script(self.path, name, found.file), found.content, BY_HASH)
        key = self._layout.by_hash(self.path, name + DIFFS, found.checksum.sha256)
        self._store.put(key, found.index, BY_HASH)

    def _put_form(self, name: str, form: Form) -> None:
        key = self._layout.by_hash(self.path, name, form.checksum.sha256)
        self._store.put_file(key, form, BY_HASH)
