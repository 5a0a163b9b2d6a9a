"""Versions: their order, and when two spellings are one version to dpkg (Policy 5.6.12)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cmp_to_key

from debian.debian_support import version_compare

from debpress.index.entries import Identity

_PART = re.compile(r"([^0-9]*)([0-9]*)")

# A sort key: Debian's order of versions, the one order of them that there is here.
BY_VERSION = cmp_to_key(version_compare)
NEWEST_FIRST = cmp_to_key(lambda one, other: version_compare(other, one))

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


class Taken:
    """The versions a suite has, in canonical form, with the SHA-256 of each (law 4)."""

    def __init__(self, sums: Mapping[Identity, str]) -> None:
        self._sums = sums
        self._spelled = {_canonical(identity): identity for identity in sums}

    def instead(self, identity: Identity, sha256: str) -> tuple[Identity, str] | None:
        """What stands in the way of this package: the same version with other bytes."""
        spelled = identity if identity in self._sums else self._spelled.get(_canonical(identity))
        if spelled is None or self._sums[spelled] == sha256:
            return None
        return spelled, self._sums[spelled]


def _canonical(identity: Identity) -> tuple[str, CanonicalVersion, str]:
    return identity.package, canonical(identity.version), identity.architecture
