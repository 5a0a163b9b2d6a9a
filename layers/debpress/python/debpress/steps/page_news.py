"""What is new in a suite since its pages were made: by the records of its flips, or all of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import islice

from debpress.archive import Archive
from debpress.clock import iso
from debpress.index.entries import Entry
from debpress.index.packages import Packages
from debpress.page import changes
from debpress.page.packages import News
from debpress.records.generation import Generation, number
from debpress.records.page import PackageEvent, ReleaseNote, SuiteSummary
from debpress.suite.published import Published

# How far back a suite's history is read where all is made anew: each is read after its successor.
_MOST_FLIPS = 2000


class RecordsLost(Exception):  # noqa: N818 (an outcome that the caller chooses on, not an error)
    """The records don't lead back to the generation that the pages tell of."""


class SuiteNews:
    """`base` is the generation up to which the pages tell; without one, all is news. Raises
    RecordsLost, CorruptError."""

    def __init__(
        self, archive: Archive, suite: str, published: Published, base: str | None
    ) -> None:
        self.newest = published.generation or ""
        self._archive, self._suite = archive, suite
        self._release = published.release
        self._is_whole = base is None
        self._indices: dict[str, Packages] = {}
        self._records = self._read(base)

    def _read(self, base: str | None) -> list[Generation]:
        chain = self._archive.chain(self._suite, self.newest, base)
        if base is None:
            return list(islice(chain, _MOST_FLIPS))
        records = list(chain)
        parent = records[-1].parent if records else None
        if self.newest != base and (parent is None or parent.generation != base):
            raise RecordsLost(f"{self._suite}: no record leads back to generation {base}")
        return records

    @property
    def summary(self) -> SuiteSummary:
        found = self._release
        return SuiteSummary(
            suite=self._suite,
            codename=found.codename,
            description=found.description,
            components=found.components,
            architectures=found.architectures,
            generation=number(self.newest),
            date=iso(found.date),
            valid_until=iso(found.valid_until) if found.valid_until else None,
        )

    def notes(self) -> Iterator[ReleaseNote]:
        found = (changes.note(record) for record in self._records)
        return islice((note for note in found if note), changes.MOST_NOTES)

    def names(self) -> set[str]:
        """The packages of which something is new."""
        found = set(self._events)
        if self._is_whole:
            for name in self._listed:
                found |= {entry.identity.package for entry in self._index(name).entries()}
        return found

    def of(self, names: Iterable[str]) -> dict[str, News]:
        """What is new of each; unpacks only the blocks that these may be in."""
        wanted = [name for name in names if self._is_whole or name in self._events]
        found: dict[str, dict[str, list[Entry]]] = {name: {} for name in wanted}
        for index in self._listed:
            touched = [name for name in wanted if self._is_whole or index in self._touched[name]]
            for name in touched:
                found[name][index] = []
            for entry in self._index(index).named(*touched) if touched else ():
                found[entry.identity.package][index].append(entry)
        return {
            name: News(
                tuple(self._events.get(name, ())),
                {index: tuple(entries) for index, entries in indices.items()},
            )
            for name, indices in found.items()
            if name in self._events or any(indices.values())
        }

    @property
    def _listed(self) -> list[str]:
        return [name[:-3] for name in sorted(self._release.files) if name.endswith("/Packages.gz")]

    def _index(self, name: str) -> Packages:
        if name not in self._indices:
            self._indices[name] = self._archive.index(self._suite, self._release, name)
        return self._indices[name]

    @cached_property
    def _events(self) -> dict[str, list[PackageEvent]]:
        found: dict[str, list[PackageEvent]] = {}
        for record in self._records:
            for package, event in changes.events(record):
                found.setdefault(package, []).append(event)
        return found

    @cached_property
    def _touched(self) -> dict[str, set[str]]:
        """The indices in which something of a package came or went."""
        found: dict[str, set[str]] = {}
        for record in self._records:
            for packages in (record.added, record.removed):
                for index, refs in (packages or {}).items():
                    for ref in refs:
                        found.setdefault(ref.package, set()).add(index)
        return found
