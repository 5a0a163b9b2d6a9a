"""Exact dependencies (`foo (= 1.2)`) that an operator's change would leave unmet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from debpress.architectures import read_by_hosts_of, with_variants
from debpress.index import relations
from debpress.index.entries import Entry, Identity
from debpress.suite.draft import SuiteDraft

_Pair = tuple[str, str]


class Dependencies:
    """What a change takes from packages that stay, and does not bring to those that come.

    Each architecture is looked at by itself, across all components, because a host sees them so; a
    host of a variant sees its base's packages, too. A dependency that was unmet before the change
    is not reported: the change did not break it.
    """

    def __init__(self, draft: SuiteDraft) -> None:
        self._draft = draft
        self._lost: dict[str, set[_Pair]] = {}
        self._needs: list[tuple[str, Identity, _Pair]] = []

    def went(self, entries: Iterable[Entry]) -> None:
        """Packages that were taken out."""
        for entry in entries:
            places = self._draft.places(entry.identity.architecture)
            for architecture in with_variants(places, self._draft.architectures):
                pair = (entry.identity.package.lower(), entry.identity.version)
                self._lost.setdefault(architecture, set()).add(pair)

    def came(self, entries: Iterable[Entry], source: SuiteDraft) -> None:
        """Packages that were put in, out of a suite where what they need may be."""
        for entry in entries:
            needed = relations.exact_dependencies(entry.text)
            for architecture in self._draft.places(entry.identity.architecture):
                self._needs += [
                    (architecture, entry.identity, pair)
                    for pair in needed
                    if architecture in source.architectures and _has(source, architecture, pair)
                ]

    def broken(self) -> list[str]:
        """A phrase for each that is unmet when all is done."""
        found = {
            f"{identity} needs {pair[0]} (= {pair[1]})"
            for architecture, identity, pair in self._needs
            if not _has(self._draft, architecture, pair)
        }
        for architecture, pairs in self._lost.items():
            lost = {pair for pair in pairs if not _has(self._draft, architecture, pair)}
            for entry in _seen(self._draft, architecture) if lost else ():
                for pair in relations.exact_dependencies(entry.text) & lost:
                    found.add(f"{entry.identity} needs {pair[0]} (= {pair[1]})")
        return sorted(found)


def _has(suite: SuiteDraft, architecture: str, pair: _Pair) -> bool:
    return any(
        entry.identity.version == pair[1]
        for component in suite.components
        for each in read_by_hosts_of(architecture, suite.architectures)
        for entry in suite.index(component, each).named(pair[0])
    )


def _seen(suite: SuiteDraft, architecture: str) -> Iterator[Entry]:
    for component in suite.components:
        for each in read_by_hosts_of(architecture, suite.architectures):
            yield from suite.index(component, each).entries()
