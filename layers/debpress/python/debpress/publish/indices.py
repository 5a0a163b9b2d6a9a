"""The indices of a suite, read when asked for and only then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from debpress.errors import CorruptError
from debpress.index import packages
from debpress.index.entries import Identity
from debpress.index.packages import Built, Packages, Sum, sum_of
from debpress.layout import Layout, index_name
from debpress.store import Served, Store

BY_HASH = Served(cache_control="public, max-age=31536000, immutable")


class Indices:
    """What Release lists, with the edits of one merge on top."""

    def __init__(self, store: Store, layout: Layout, suite: str, files: Mapping[str, Sum]) -> None:
        self._store = store
        self._layout = layout
        self._suite = suite
        self._files = files
        self._read: dict[str, Packages] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def read(self, name: str) -> Packages:
        """An index as published; empty where the suite has none of that name yet."""
        if name not in self._read:
            self._read[name] = (
                Packages(self._form(name + ".gz"), self._form(name + ".xz"))
                if name in self
                else packages.empty()
            )
        return self._read[name]

    def write(self, name: str, built: Built) -> dict[str, Sum]:
        """Puts the forms of an index under their hashes; returns what Release is to list.

        Put even where the object is there already: it may be one the reaper has condemned, and
        it deletes exactly the version it condemned, so the new one stays.
        """
        sums = {name: built.plain}
        for suffix, form in ((".gz", built.gz), (".xz", built.xz)):
            sums[name + suffix] = sum_of(form)
            key = self._layout.by_hash(self._suite, name, sums[name + suffix].sha256)
            self._store.put(key, form, BY_HASH)
        return sums

    def _form(self, file: str) -> bytes:
        listed = self._files[file]
        key = self._layout.by_hash(self._suite, file, listed.sha256)
        found = self._store.get(key)
        if found is None or sum_of(found.body) != listed:
            state = "is gone" if found is None else "has other bytes than Release lists"
            raise CorruptError(
                f"{key} {state}; restore that version of the object, or roll back to a "
                "generation whose indices are whole"
            )
        return found.body


def find_all(
    indices: Indices,
    components: Iterable[str],
    architectures: Iterable[str],
    wanted: Iterable[Identity],
) -> dict[tuple[str, Identity], bytes]:
    """Where a suite has these packages: their stanzas by component and identity.

    Packages for all are in the index of every architecture, so one of those tells.
    """
    architectures = list(architectures)
    by_architecture: dict[str, list[Identity]] = {}
    for identity in wanted:
        place = architectures[0] if identity.architecture == "all" else identity.architecture
        by_architecture.setdefault(place, []).append(identity)
    found = {}
    for component in components:
        for architecture, group in by_architecture.items():
            name = index_name(component, architecture)
            if name in indices:
                for identity, text in indices.read(name).find(group).items():
                    found[component, identity] = text
    return found
