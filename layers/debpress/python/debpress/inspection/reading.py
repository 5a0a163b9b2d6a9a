"""Reads what a suite publishes, in apt's way: InRelease first, then its indices by hash."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from debpress import codec
from debpress.archive import Archive
from debpress.concurrency import side_by_side
from debpress.errors import ConfigError
from debpress.index import entries, gz
from debpress.index.entries import Entry, Identity
from debpress.index.order import NEWEST_FIRST
from debpress.index.release import Release
from debpress.layout import index_name
from debpress.store import Object
from debpress.suite.draft import described
from debpress.suite.published import Published


def published(archive: Archive, suite: str) -> tuple[Object, Published]:
    """A suite's InRelease, as an object and parsed. The signature is not checked: `verify` does.

    Raises ConfigError when the suite publishes nothing, CorruptError.
    """
    found = archive.suite(suite).inrelease()
    if found is None:
        raise nothing(suite)
    return found, archive.suite(suite).parse(found)


def nothing(suite: str) -> ConfigError:
    return ConfigError(f"suite {suite!r} publishes nothing here; check its name, or deploy it")


@dataclass(frozen=True, slots=True)
class ListedPackage:
    """A package of a component. One for `all` is listed by the indices of several architectures."""

    suite: str
    component: str
    entry: Entry

    @property
    def identity(self) -> Identity:
        return self.entry.identity

    def as_json(self) -> dict[str, Any]:
        """The entry in the output of `debpress list --json`."""
        where = {"suite": self.suite, "component": self.component}
        return {**where, **codec.encode(described(self.entry.text))}


def packages(archive: Archive, suite: str) -> list[ListedPackage]:
    """Every package of a suite, sorted by name and component, the newest version first."""
    return packages_of(archive, suite, published(archive, suite)[1].release)


def packages_of(archive: Archive, suite: str, release: Release) -> list[ListedPackage]:
    """The same of a release that was read already."""
    places = [(c, a) for c in release.components for a in release.architectures]
    read = side_by_side(lambda place: _index(archive, suite, release, *place), places)
    found: dict[tuple[str, Identity], Entry] = {}
    for (component, _), index in zip(places, read, strict=True):
        for entry in index:
            found.setdefault((component, entry.identity), entry)
    return sorted((ListedPackage(suite, c, entry) for (c, _), entry in found.items()), key=_order)


def matching(listed: Iterable[ListedPackage], pattern: str | None) -> list[ListedPackage]:
    """The packages whose name matches a shell pattern such as `lib*-dev`; all, if it is None."""
    return [
        each for each in listed if pattern is None or fnmatchcase(each.identity.package, pattern)
    ]


def newest_first(listed: ListedPackage) -> Any:
    """A sort key by Debian's version order."""
    return NEWEST_FIRST(listed.identity.version)


def _order(listed: ListedPackage) -> tuple[Any, ...]:
    package, _, architecture = listed.identity
    return package, listed.component, newest_first(listed), architecture


def _index(
    archive: Archive, suite: str, release: Release, component: str, architecture: str
) -> list[Entry]:
    name = f"{index_name(component, architecture)}.gz"
    listed = release.files.get(name)
    if listed is None:
        return []
    return list(entries.stream(gz.inflate(archive.form(suite, name, listed).pieces())))
