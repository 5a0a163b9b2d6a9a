"""What a version means: `1.0`, `0:1.0` and `1.0-0` are one to dpkg (Policy 5.6.12)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from debpress.index.entries import Identity

_PART = re.compile(r"([^0-9]*)([0-9]*)")

Meaning = tuple[int, tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]]


def meaning(version: str) -> Meaning:
    """Equal for versions that dpkg holds to be equal. `version` is a valid one."""
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
    """The versions a suite has, by what they mean, with the SHA-256 of each (law 4)."""

    def __init__(self, sums: Mapping[Identity, str]) -> None:
        self._sums = sums
        self._spelled = {_meant(identity): identity for identity in sums}

    def instead(self, identity: Identity, sha256: str) -> tuple[Identity, str] | None:
        """What stands in the way of this package: the same version with other bytes."""
        spelled = identity if identity in self._sums else self._spelled.get(_meant(identity))
        if spelled is None or self._sums[spelled] == sha256:
            return None
        return spelled, self._sums[spelled]


def _meant(identity: Identity) -> tuple[str, Meaning, str]:
    return identity.package, meaning(identity.version), identity.architecture
