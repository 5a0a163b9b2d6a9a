"""Indices of any size that look like Debian's, made from a seed: the same on every machine.

A stanza has the fields of Debian's own and as many bytes on average (some 790), and compresses as
well as they do: blocks of them to some 20 %.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from debpress.index.entries import Entry, Identity

# Bookworm's `main` for amd64 has this many; and half a million.
BOOKWORM, LARGE = 63_440, 500_000

_WORDS = 6_000
_PEOPLE = 1_200


@dataclass(frozen=True, slots=True)
class _Source:
    """What packages of one source have in common, and compresses so well."""

    version: str
    maintainer: str
    needs: list[str]
    about: str
    homepage: str
    tags: str
    section: str


class Synthetic:
    """`count` packages."""

    def __init__(self, count: int, seed: int = 12) -> None:
        self.count = count
        self._chance = random.Random(seed)
        self._words = sorted({_word(self._chance) for _ in range(_WORDS)})
        self._common = self._chance.sample(self._words, 600)
        self._people = [
            f"{self._pick().title()} {self._pick().title()} <{self._pick()}@{self._pick()}.org>"
            for _ in range(_PEOPLE)
        ]

    def entries(self) -> Iterator[Entry]:
        """All of them, in the order of an index."""
        source, left = self._source(), 0
        for number in range(self.count):
            if not left:
                source, left = self._source(), self._chance.randrange(1, 4)
            left -= 1
            yield self._entry(self._name(number), source)

    def name_behind(self, share: float) -> str:
        """A name that none of them has, and that sorts behind this share of them (0 to 1)."""
        return f"{self._name(int(share * (self.count - 1)))}x"

    def _name(self, number: int) -> str:
        return f"{self._words[number * len(self._words) // self.count]}-{number:07}"

    def _source(self) -> _Source:
        chance = self._chance
        tags = sorted(f"{chance.choice(self._common[:40])}::{self._pick()}" for _ in range(7))
        return _Source(
            version=f"{chance.randrange(9)}.{chance.randrange(30)}-{chance.randrange(1, 6)}",
            maintainer=chance.choice(self._people),
            needs=[self._need() for _ in range(chance.randrange(2, 16))],
            about=" ".join(self._pick() for _ in range(5)),
            homepage=f"https://{self._pick()}.example.org/{self._pick()}",
            tags=", ".join(tags),
            section=self._common[chance.randrange(30)],
        )

    def _entry(self, name: str, source: _Source) -> Entry:
        chance, folder = self._chance, name.rpartition("-")[0]
        sha256 = f"{chance.getrandbits(256):064x}"
        needs = source.needs + [self._need() for _ in range(chance.randrange(3))]
        file = f"{folder}/{sha256[:16]}/{name}_{source.version}_amd64.deb"
        text = (
            f"Package: {name}\nSource: {folder}\nVersion: {source.version}\n"
            f"Installed-Size: {chance.randrange(20, 90_000)}\n"
            f"Maintainer: {source.maintainer}\nArchitecture: amd64\n"
            f"Depends: {', '.join(needs)}\n"
            f"Description: {source.about} - {self._pick()} {self._pick()}\n"
            f"Homepage: {source.homepage}\n"
            f"Description-md5: {chance.getrandbits(128):032x}\nTag: {source.tags}\n"
            f"Section: {source.section}\nPriority: optional\n"
            f"Filename: pool/main/{folder[:1]}/{file}\n"
            f"Size: {chance.randrange(3_000, 9_000_000)}\nSHA256: {sha256}\n"
        )
        return Entry(Identity(name, source.version, "amd64"), text.encode())

    def _need(self) -> str:
        chance = self._chance
        version = f" (>= {chance.randrange(9)}.{chance.randrange(30)})"
        return self._pick() + version * (chance.random() < 0.6)

    def _pick(self) -> str:
        """A word, some far more often than others, as in any language."""
        words = self._common if self._chance.random() < 0.8 else self._words
        return words[int(len(words) * self._chance.random() ** 2)]


def _word(chance: random.Random) -> str:
    syllables = [
        chance.choice("bcdfghklmnprstvw") + chance.choice("aeiou")
        for _ in range(chance.randrange(2, 5))
    ]
    return "".join(syllables)
