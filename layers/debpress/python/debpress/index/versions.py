"""Versions: when two spellings are one version to dpkg (Policy 5.6.12)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import NamedTuple

from debpress.index.entries import Identity

_PART = re.compile(r"([^0-9]*)([0-9]*)")

CanonicalVersion = tuple[int, tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]]


def canonical(version: str) -> CanonicalVersion:
    """Equal for versions that dpkg holds to be equal: `1.0`, `0:1.0` and `1.0-0` are one.

    `version` is a valid one.
    """
    epoch, colon, rest = version.partition(":")
    upstream, hyphen, revision = (rest if colon else epoch).rpartition("-")
    return (
        int(epoch) if colon and epoch.isdecimal() else 0,
        _parts(upstream if hyphen else revision),
        _parts(revision if hyphen else ""),
    )


def _parts(text: str) -> tuple[tuple[str, int], ...]:
    """Digits compare as numbers, none as 0; so a lone 0 is as good as nothing."""
    parts = tuple((word, int(digits or "0")) for word, digits in _PART.findall(text))
    while parts and parts[-1] == ("", 0):
        parts = parts[:-1]
    return parts


def digest(version: str) -> str:
    """One name for all spellings of a version, 32 hexadecimal digits: part of a key, for ever."""
    return hashlib.sha256(json.dumps(canonical(version)).encode()).hexdigest()[:32]


def meet(one: str, other: str) -> bool:
    """Whether there is a host to which packages of these architectures are one and the same: what
    is for `all` is on every host."""
    return one == other or "all" in (one, other)


class Content(NamedTuple):
    """A package and its SHA-256; `until` says when it went, where it is not there any more."""

    identity: Identity
    sha256: str
    until: str | None = None


class Taken:
    """Versions that have a content, in canonical form (law 4)."""

    def __init__(self, contents: Iterable[Content]) -> None:
        self._versions: dict[tuple[str, CanonicalVersion], list[Content]] = {}
        for each in contents:
            self._versions.setdefault(_version(each.identity), []).append(each)

    def holds(self, wanted: Content) -> bool:
        """Whether just this package is among them, however it is spelled."""
        return any(
            (each.identity.architecture, each.sha256) == (wanted.identity.architecture, wanted[1])
            for each in self._versions.get(_version(wanted.identity), ())
        )

    def instead(self, wanted: Content) -> Content | None:
        """What stands in the way of a package: to some host the same version, with other bytes."""
        if self.holds(wanted):
            return None
        others = [
            each
            for each in self._versions.get(_version(wanted.identity), ())
            if meet(each.identity.architecture, wanted.identity.architecture)
        ]
        # The nearest first: a person looks for the very package.
        return min(others, key=lambda each: each.identity != wanted.identity, default=None)


def _version(identity: Identity) -> tuple[str, CanonicalVersion]:
    return identity.package, canonical(identity.version)
