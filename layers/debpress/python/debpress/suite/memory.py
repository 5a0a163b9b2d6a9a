"""What a suite published once and does not any more: no version comes back with other bytes."""

from __future__ import annotations

from collections.abc import Iterable

from debpress.concurrency import side_by_side
from debpress.index.entries import Identity
from debpress.index.versions import Content, Taken, meet
from debpress.records.generation import number
from debpress.records.gone import GonePackage, GoneVersion
from debpress.suite.loader import Loader

Version = tuple[str, str]  # A package's name, and a version of it.


class Memory:
    """As of one generation, `newest`, by its id. What counts follows from the chain behind that one
    alone, so whoever else merges upon it decides alike (docs/protocol.md, interleaving 26)."""

    def __init__(self, loader: Loader, suite: str, newest: str | None) -> None:
        self._loader = loader
        self._suite = suite
        self._chain = loader.chain(suite, newest, None)
        self._ids = {number(newest): newest}
        self._lowest = number(newest)
        self._ahead: dict[Version, list[GoneVersion]] = {}

    def read_ahead(self, versions: Iterable[Version]) -> None:
        """Reads what is noted of versions that will be asked for, a request each, side by side."""
        wanted = list(dict.fromkeys(versions))
        found = side_by_side(lambda each: self._loader.gone(self._suite, [each]), wanted)
        self._ahead.update(zip(wanted, found, strict=True))

    def contents(self, versions: Iterable[Version]) -> Taken:
        """The contents that these versions had last, forgotten ones apart; a read each."""
        return Taken(
            Content(Identity(*p.identity), p.sha256, f"generation {p.generation} of {p.date}")
            for p in self.counting(versions)
        )

    def counting(self, versions: Iterable[Version]) -> list[GonePackage]:
        """What is remembered of these versions, and not forgotten."""
        return [
            each
            for noted in self._noted(versions)
            for each in noted.packages
            if not _is_overruled(each, noted.packages) and not self._is_forgotten(each)
        ]

    def known(self, versions: Iterable[Version]) -> list[GonePackage]:
        """All that was ever noted of these versions."""
        return [p for noted in self._noted(versions) for p in noted.packages]

    def _noted(self, versions: Iterable[Version]) -> list[GoneVersion]:
        wanted = list(versions)
        read = [noted for each in wanted for noted in self._ahead.get(each, ())]
        rest = [each for each in wanted if each not in self._ahead]
        return [*read, *(self._loader.gone(self._suite, rest) if rest else ())]

    def _is_forgotten(self, package: GonePackage) -> bool:
        """Whether an operator had it forgotten after it went, by a generation that is published."""
        marks = [m for m in package.forgotten if number(m) >= package.generation]
        return any(self._id(number(mark)) == mark for mark in marks)

    def _id(self, wanted: int) -> str | None:
        """The id of the chain's generation of this number; where a record is lost, of none below:
        what can't be told to be forgotten is not."""
        while self._lowest > wanted:
            record = next(self._chain, None)
            if record is None or record.previous is None:
                break
            self._lowest = number(record.previous)
            self._ids[self._lowest] = record.previous
        return self._ids.get(wanted)


def _is_overruled(package: GonePackage, others: Iterable[GonePackage]) -> bool:
    """Whether the version was published with other bytes later: what hosts know is the last."""
    return any(
        other.generation > package.generation
        and other.sha256 != package.sha256
        and meet(other.architecture, package.architecture)
        for other in others
    )
