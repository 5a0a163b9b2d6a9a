"""The objects that the reaper must keep: those that suites name, named lately or will name soon."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from debpress.archive import objects
from debpress.archive.runs import Runs
from debpress.errors import CorruptError
from debpress.index import entries, gz, pdiff, release
from debpress.index.form import Checksum
from debpress.index.release import Release
from debpress.layout import DIFFS, Layout
from debpress.records.generation import Generation
from debpress.store import Store
from debpress.suite.published import Published

_FILENAME = re.compile(rb"(?mi)^Filename:[ \t]*(.*?)[ \t]*$")


def is_deletable(key: str) -> bool:
    """Whether an object below dists/ may go when nothing names it: an index by its hash, a script
    to one, or a text as an older debpress wrote them. The other plain names stay."""
    folder, _, name = key.rpartition("/")
    if folder.endswith(".diff"):
        return name != "Index"
    return "/by-hash/" in key or name == "Packages"


class Named:
    """The keys that a suite (or snapshot) names; `path` is its path below dists/."""

    def __init__(self, store: Store, layout: Layout, path: str) -> None:
        self._store = store
        self._layout = layout
        self._path = path

    def by_release(self, listed: Release) -> Iterator[str]:
        """The indices that a Release lists, and the packages in them. Raises IndexGoneError."""
        yield from self._indices(listed)
        for name, checksum in listed.files.items():
            if not name.endswith("/Packages.gz"):
                continue
            key = self._layout.by_hash(self._path, name, checksum.sha256)
            form = objects.read_form(self._store, key, checksum)
            for text in entries.between(gz.inflate(form.pieces())):
                for filename in _FILENAME.findall(text):
                    yield self._layout.pool(filename.decode("utf-8", "surrogateescape"))

    def lately(self, state: Published, cutoff: datetime) -> Iterator[str]:
        """The keys that some release served since `cutoff` named, by the records of those flips.

        Raises CorruptError where one of these records is lost.
        """
        superseded = state.last_modified  # Until this flip, the generation before was served.
        record: Generation | None = None
        while superseded >= cutoff:
            record = record or self._record(state.generation)
            for packages in (record.removed or {}).values():
                yield from (self._layout.pool(each.filename) for each in packages)
            if record.parent is None:
                return
            superseded = record.parent.modified
            record = self._record(record.parent.generation)
            yield from self._indices(release.parse(record.text))

    def soon(self) -> Iterator[str]:
        """The packages of the batches that wait in the queue.

        Though a batch's own execution may have died, the next merge publishes it, perhaps days
        later, and needs its packages in the pool. A batch that is queued after this read can't lose
        its packages either: its admission has just copied anew every file that was old.
        """
        for entry in Runs(self._store, self._path).queue():
            yield from (self._layout.pool(each.filename) for each in entry.packages)

    def _indices(self, listed: Release) -> Iterator[str]:
        for name, checksum in listed.files.items():
            yield self._layout.by_hash(self._path, name, checksum.sha256)
            if name.endswith(DIFFS):
                yield from self._scripts(name, checksum)

    def _scripts(self, name: str, listed: Checksum) -> Iterator[str]:
        key = self._layout.by_hash(self._path, name, listed.sha256)
        form = objects.read_form(self._store, key, listed)
        for step in pdiff.read(form).steps:
            yield self._layout.script(self._path, name.removesuffix(DIFFS), step.file)

    def _record(self, generation: str | None) -> Generation:
        key = self._layout.generation(self._path, generation or "")
        record = objects.find(self._store, Generation, key) if generation else None
        if record is None:
            raise CorruptError(
                f"{self._path}: there is no record of generation {generation}, which was served "
                "within the grace, so nobody can say what it named; nothing was reaped. Restore "
                "the record, or wait until the grace is over"
            )
        return record
