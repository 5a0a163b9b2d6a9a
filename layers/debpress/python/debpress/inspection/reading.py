"""What a suite publishes, read the way apt reads it: InRelease, then an index by its hash."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cmp_to_key
from typing import Any

from debian.debian_support import version_compare

from debpress import config, openpgp
from debpress.config import Repository
from debpress.errors import ConfigError, CorruptError
from debpress.index import entries, gz, release
from debpress.index.entries import Entry, Identity
from debpress.index.packages import checksum_of
from debpress.index.release import Release
from debpress.layout import Layout, index_name
from debpress.publish import notes
from debpress.publish.drafting import described
from debpress.store import Object, Store

_NEWEST_FIRST = cmp_to_key(lambda one, other: version_compare(other, one))


def configured(store: Store) -> Repository:
    """The configuration as the last deployment left it. Raises ConfigError."""
    key = Layout.repository()
    found = store.get(key)
    if found is None:
        raise ConfigError(
            f"{key} is not there, so this bucket holds no repository, or one that an older debpress"
            " deployed; check the bucket's name, or deploy again"
        )
    try:
        return config.parse(json.loads(found.body))
    except ValueError as error:
        raise ConfigError(f"{key} is not JSON ({error}); deploy again") from error


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite's InRelease and what it says; its signature is `verify`'s to judge."""

    name: str
    inrelease: Object
    release: Release


def suite(store: Store, layout: Layout, name: str) -> Suite:
    """Raises ConfigError when the suite publishes nothing, CorruptError."""
    found = store.get(layout.inrelease(name))
    if found is None:
        raise ConfigError(f"suite {name!r} publishes nothing here; check its name, or deploy it")
    text, _ = openpgp.split(found.body)
    return Suite(name, found, release.parse(text))


@dataclass(frozen=True, slots=True)
class Listed:
    """A package that a component lists, by one index or, when it is for all, by several."""

    suite: str
    component: str
    entry: Entry

    @property
    def identity(self) -> Identity:
        return self.entry.identity

    def as_json(self) -> dict[str, Any]:
        """What `debpress list --json` says of it."""
        where = {"suite": self.suite, "component": self.component}
        return {**where, **described(self.entry.text)}


def packages(store: Store, layout: Layout, name: str) -> list[Listed]:
    """Every package of a suite: by name and component, the newest version first."""
    published = suite(store, layout, name)
    places = [(c, a) for c in published.release.components for a in published.release.architectures]
    read = notes.side_by_side(lambda place: _index(store, layout, published, *place), places)
    found: dict[tuple[str, Identity], Entry] = {}
    for (component, _), index in zip(places, read, strict=True):
        for entry in index:
            found.setdefault((component, entry.identity), entry)
    return sorted((Listed(name, c, entry) for (c, _), entry in found.items()), key=_order)


def matching(listed: Iterable[Listed], pattern: str | None) -> list[Listed]:
    """Those whose name fits a shell's pattern, `lib*-dev`; no pattern fits all."""
    return [
        each for each in listed if pattern is None or fnmatchcase(each.identity.package, pattern)
    ]


def fields(stanza: bytes) -> dict[str, str]:
    """A stanza's fields in its order, continuation lines as they are."""
    found: dict[str, str] = {}
    name = ""
    for line in stanza.decode("utf-8", "surrogateescape").split("\n"):
        if line.startswith((" ", "\t")):
            found[name] += f"\n{line}"
        elif line:
            name, _, value = line.partition(":")
            found[name] = value.strip()
    return found


def newest_first(listed: Listed) -> Any:
    """A sort key by Debian's version order."""
    return _NEWEST_FIRST(listed.identity.version)


def _order(listed: Listed) -> tuple[Any, ...]:
    package, _, architecture = listed.identity
    return package, listed.component, newest_first(listed), architecture


def _index(
    store: Store, layout: Layout, published: Suite, component: str, architecture: str
) -> list[Entry]:
    name = f"{index_name(component, architecture)}.gz"
    listed = published.release.files.get(name)
    if listed is None:
        return []
    key = layout.by_hash(published.name, name, listed.sha256)
    found = store.get(key)
    if found is None or checksum_of(found.body) != listed:
        state = "is gone" if found is None else "has other bytes than Release lists"
        raise CorruptError(f"{key} {state}; see `debpress verify` for all that is wrong")
    return entries.split(gz.inflate(found.body))
