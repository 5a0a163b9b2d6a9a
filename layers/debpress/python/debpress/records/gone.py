"""What a suite published once and took out: an index over the chain of generations, by version.

The truth is the chain, which is kept for ever (docs/decisions/0013-one-content-for-ever.md). All
that is noted here follows from a generation's record, and whoever notes the same record again, in
whichever order, comes to the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from debpress.codec import Record, versioned
from debpress.records.generation import Generation, PackageRef, number, ref_fields

# The action of a package's outcome by which an operator gave its version free.
FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True)
class GonePackage(PackageRef):
    """A package that was published. `generation` is the number of the last one that took it out,
    and `date` that one's; 0 where only its being forgotten is noted so far.

    `forgotten` are the ids of generations by which an operator had it forgotten since. One that is
    not in the chain lost its race, and means nothing.
    """

    generation: int
    date: str
    forgotten: tuple[str, ...] = ()

    @classmethod
    def of(cls, package: PackageRef, record: Generation) -> GonePackage:
        """Taken out by the generation."""
        return cls(*ref_fields(package), generation=record.number, date=record.date)

    @classmethod
    def let_go(cls, package: PackageRef, record: Generation) -> GonePackage:
        """Forgotten by the generation."""
        return cls(*ref_fields(package), generation=0, date="", forgotten=(record.id,))

    def folded(self, other: GonePackage) -> GonePackage:
        """Both notes of one package in one. A forgetting is void where it was taken out again
        later, since it was published again in between."""
        last = max(self.generation, other.generation)
        marks = {m for m in (*self.forgotten, *other.forgotten) if number(m) >= last}
        date = other.date if other.generation > self.generation else self.date
        return replace(self, generation=last, date=date, forgotten=tuple(sorted(marks)))


@versioned
@dataclass(frozen=True, slots=True)
class GoneVersion(Record):
    """All that is noted of one version of a package, of whichever architectures."""

    packages: tuple[GonePackage, ...] = ()

    def folded(self, news: Iterable[GonePackage]) -> GoneVersion:
        found = {_key(each): each for each in self.packages}
        for each in news:
            known = found.get(_key(each))
            found[_key(each)] = known.folded(each) if known else each
        return replace(self, packages=tuple(found[key] for key in sorted(found)))


@versioned
@dataclass(frozen=True, slots=True)
class GoneUpTo(Record):
    """All generations up to this one, by its id, are noted, whichever debpress made them."""

    upto: str


def gone_by(record: Generation) -> list[GonePackage]:
    """What a generation takes out, and what it has forgotten; each once.

    It says what is true even where the generation is never published: what it takes out was in the
    one before it, which is.
    """
    removed = {
        _key(each): GonePackage.of(each, record)
        for packages in (record.removed or {}).values()
        for each in packages
    }
    forgotten = [
        GonePackage.let_go(each, record)
        for outcome in record.batches
        for each in outcome.packages
        if each.action == FORGOTTEN
    ]
    return [*removed.values(), *forgotten]


def _key(package: PackageRef) -> tuple[str, ...]:
    return *package.identity, package.sha256
