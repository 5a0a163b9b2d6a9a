"""All of a bucket's state, and the part of it that the rules of `debpress.suite` load.

Each function uses some of it, and imports it as it starts: so a part is imported when it is asked
for (docs/performance.md, "Cold starts").
"""

# ruff: noqa: PLC0415 (see above)

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from debpress.archive.suite import SuiteArchive
from debpress.clock import Clock
from debpress.concurrency import side_by_side
from debpress.errors import CorruptError
from debpress.layout import Batch, Layout
from debpress.store import Head, Object, ObjectHeaders, Pin, PreconditionFailed, Store
from debpress.suite.staged import StagedObject

if TYPE_CHECKING:
    from debpress.archive.bundles import Bundles
    from debpress.archive.certificates import CertificateArchive
    from debpress.archive.gone import GoneArchive
    from debpress.archive.living import LivingSuites
    from debpress.archive.pool import Pool
    from debpress.archive.results import Results
    from debpress.archive.rotation import RotationArchive
    from debpress.archive.runs import Runs
    from debpress.archive.setup import SetUpArchive
    from debpress.config import Repository
    from debpress.index.form import Checksum, Form
    from debpress.index.packages import Packages
    from debpress.index.release import Release
    from debpress.records.batch import ManifestRef
    from debpress.records.generation import Generation
    from debpress.records.gone import GoneVersion
    from debpress.suite.published import Published


class Archive:
    """A `debpress.suite.loader.Loader`. Every method may raise TransientError or StoreError."""

    def __init__(self, store: Store, layout: Layout, clock: Clock) -> None:
        self.layout = layout
        self._store = store
        self._clock = clock

    def elsewhere(self, store: Store) -> Archive:
        """Another bucket, laid out as this one is."""
        return Archive(store, self.layout, self._clock)

    def suite(self, path: str) -> SuiteArchive:
        """A suite, or a snapshot by its path below dists/."""
        return SuiteArchive(self._store, self.layout, self._clock, path)

    def runs(self, suite: str) -> Runs:
        """The runs of a suite, and the queue in which they wait."""
        from debpress.archive.runs import Runs

        return Runs(self._store, suite)

    def departures(self, suite: str) -> GoneArchive:
        """What a suite took out once."""
        from debpress.archive.gone import GoneArchive

        return GoneArchive(self._store, self.suite(suite))

    @property
    def pool(self) -> Pool:
        """The packages that hosts fetch, under their hash."""
        from debpress.archive.pool import Pool

        return Pool(self._store, self.layout)

    @property
    def results(self) -> Results:
        """The results of batches, and the reports of prunes and reapings."""
        from debpress.archive.results import Results

        return Results(self._store)

    @property
    def certificates(self) -> CertificateArchive:
        """The stored certificates of signers."""
        from debpress.archive.certificates import CertificateArchive

        return CertificateArchive(self._store)

    @property
    def rotation(self) -> RotationArchive:
        """The record of a key's rotation."""
        from debpress.archive.rotation import RotationArchive

        return RotationArchive(self._store)

    @property
    def bundles(self) -> Bundles:
        """The Sigstore bundles of packages."""
        from debpress.archive.bundles import Bundles

        return Bundles(self._store)

    @property
    def suites(self) -> LivingSuites:
        """Which suites of patterns there are."""
        from debpress.archive.living import LivingSuites

        return LivingSuites(self._store)

    def living(self, repository: Repository) -> tuple[str, ...]:
        """The names of the suites of patterns, in order: of each that has an InRelease, and of some
        that have none yet, or none any more."""
        return self.suites.names(repository) if repository.patterns else ()

    def every_suite(self, repository: Repository) -> tuple[str, ...]:
        """The names of the configured suites, and after them those of patterns."""
        return (*(each.suite for each in repository.suites), *self.living(repository))

    @property
    def setup(self) -> SetUpArchive:
        """The record of the last set-up that succeeded."""
        from debpress.archive.setup import SetUpArchive

        return SetUpArchive(self._store)

    def keep_configuration(self, repository: Repository) -> None:
        """Stores the deployed configuration, where operators' commands read it."""
        from debpress.archive.configuration import keep_configuration

        keep_configuration(self._store, repository)

    # What rules load (debpress.suite.loader.Loader)

    def published(self, suite: str) -> Published | None:
        return self.suite(suite).published()

    def index(self, suite: str, listed: Release, name: str) -> Packages:
        return self.suite(suite).index(listed, name)

    def form(self, suite: str, name: str, listed: Checksum) -> Form:
        return self.suite(suite).form(name, listed)

    def chain(self, suite: str, newest: str | None, base: str | None) -> Iterator[Generation]:
        return self.suite(suite).chain(newest, base)

    def gone(self, suite: str, versions: Iterable[tuple[str, str]]) -> list[GoneVersion]:
        return self.departures(suite).find(versions)

    def files(self, filename: str) -> Iterator[bytes] | None:
        return self.pool.files(filename)

    def missing(self, filenames: Iterable[str]) -> list[str]:
        names = list(filenames)
        heads = side_by_side(lambda name: self._store.head(self.layout.pool(name)), names)
        return [name for name, head in zip(names, heads, strict=True) if head is None]

    def check_sizes(self, wanted: Mapping[str, int]) -> None:
        """Law 8: every key of `wanted` exists with its size in bytes. Else raises CorruptError."""
        heads = side_by_side(self._store.head, wanted)
        for head, (key, size) in zip(heads, wanted.items(), strict=True):
            if head is None or head.size != size:
                state = "is not there" if head is None else f"is {head.size} bytes, not {size}"
                raise CorruptError(f"{key} {state}; nothing was published: upload the batch again")

    # What was uploaded

    def is_newest(self, manifest: ManifestRef) -> bool:
        """Whether no newer upload has replaced this manifest; a deleted one counts as newest."""
        head = self._store.head(manifest.key)
        return head is None or (head.etag, head.version_id) == (manifest.etag, manifest.version_id)

    def staged(self, batch: Batch) -> Iterator[StagedObject]:
        """Every object in a batch's staging folder."""
        for head in self._store.list(batch.staging):
            yield StagedObject(head.key.removeprefix(batch.staging), head.size, head.etag)

    def stage_once(self, key: str, body: bytes) -> None:
        """Uploads an object to staging, as operators do, unless it is there."""
        with suppress(PreconditionFailed):
            self._store.put(key, body, if_absent=True)

    # Raw objects, for callers that inspect them or publish them unchanged

    def read(self, key: str) -> Object | None:
        return self._store.get(key)

    def head(self, key: str) -> Head | None:
        return self._store.head(key)

    def list(self, prefix: str) -> Iterator[Head]:
        return self._store.list(prefix)

    def stream(self, pin: Pin) -> Iterator[bytes]:
        """The bytes of the pinned state of an object. Raises ObjectChanged if it was replaced."""
        return self._store.stream(pin)

    def keep_as_is(self, key: str, body: bytes, headers: ObjectHeaders) -> None:
        """Writes an object unless it has these bytes already, so that its Last-Modified is the time
        at which its content last changed."""
        found = self._store.get(key)
        if found is None or found.body != body:
            self._store.put(key, body, headers)

    def put_over(self, seen: Head | None, key: str, body: bytes, headers: ObjectHeaders) -> bool:
        """Writes an object in the place of what was seen there (None: nothing). False where
        something else is there now, or nothing any more."""
        etag = seen.etag if seen else None
        try:
            self._store.put(key, body, headers, if_match=etag, if_absent=seen is None)
        except PreconditionFailed:
            return False
        return True
