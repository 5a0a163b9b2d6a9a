"""Uploaders: who may publish which packages, told apart by the names of their batches.

An event of S3 tells the account that has put an object, and not the role (decision 0027). What IAM
does tell apart is keys. So an uploader's batches are called `<uploader>.<anything>`, and the policy
of its role lets it write nothing else (stacks/roles.py).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from debpress.strict import ObjectReader

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
# A package's name (Debian Policy 5.6.7), any part of which may be a star.
_PATTERN = re.compile(r"[a-z0-9*][a-z0-9+.*-]{0,127}")
_ARMORED = re.compile(r"-----BEGIN PGP PUBLIC KEY BLOCK-----\n[^\x00]*-----END PGP [A-Z ]+-----\n*")
_PLACE = re.compile(r"[^/]+/[^/]+")


@dataclass(frozen=True, slots=True)
class Uploader:
    """`packages` are patterns of names, `publishes` the pairs of suite and component in which the
    uploader may publish packages of these. Where there are `certificates` (armored, of OpenPGP),
    its batches are `*.changes` signed by one of their keys, whatever they are named."""

    name: str
    packages: tuple[str, ...]
    publishes: tuple[tuple[str, str], ...]
    certificates: tuple[str, ...] = ()

    def may_publish(self, package: str) -> bool:
        return any(fnmatchcase(package, pattern) for pattern in self.packages)


def parse(
    entries: Iterable[ObjectReader], places: Sequence[tuple[str, str]]
) -> tuple[Uploader, ...]:
    """Reads `debpress.uploaders`, `places` being all there are. Raises ConfigError naming the key,
    also where a package of some suite would be two uploaders': of two components hosts take the
    higher version, so it is no matter in which it is."""
    found: list[Uploader] = []
    for entry in entries:
        uploader = Uploader(
            entry.text("name", NAME),
            entry.texts("packages", _PATTERN),
            _places(entry, places),
            entry.texts("certificates", _ARMORED, least=0),
        )
        entry.done()
        for other in found:
            if other.name == uploader.name:
                raise entry.wrong("name", f"{uploader.name!r} is there twice")
            if shared := _shared(uploader, other):
                raise entry.wrong(
                    "packages",
                    f"{shared} could be of the same package as one of {other.name!r}; in a suite "
                    "each package is one uploader's (one uploader may have several roles)",
                )
        found.append(uploader)
    return tuple(found)


def _places(entry: ObjectReader, places: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    found = []
    for index, text in enumerate(entry.texts("publishes", _PLACE)):
        suite, _, component = text.partition("/")
        if (suite, component) not in places:
            problem = f"{text!r} must be suite/component, as in debpress.suites"
            raise entry.wrong(f"publishes[{index}]", problem)
        found.append((suite, component))
    return tuple(found)


def _shared(one: Uploader, other: Uploader) -> str | None:
    """A pattern of the one that meets a pattern of the other, in a suite of both."""
    if not {suite for suite, _ in one.publishes} & {suite for suite, _ in other.publishes}:
        return None
    return next((p for p in one.packages if any(_meet(p, q) for q in other.packages)), None)


def _meet(one: str, other: str) -> bool:
    """Whether some name fits both patterns."""

    @functools.cache
    def meet(i: int, j: int) -> bool:
        if i < len(one) and one[i] == "*":
            return meet(i + 1, j) or (j < len(other) and meet(i, j + 1))
        if j < len(other) and other[j] == "*":
            return meet(i, j + 1) or (i < len(one) and meet(i + 1, j))
        if i == len(one) or j == len(other):
            return i == len(one) and j == len(other)
        return one[i] == other[j] and meet(i + 1, j + 1)

    return meet(0, 0)
