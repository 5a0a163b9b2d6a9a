"""Every suite that hosts can read: the configured ones, and those of patterns that were published
to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from debpress.archive import Archive
from debpress.archive.headers import EXPIRES, GENERATION
from debpress.clock import iso
from debpress.concurrency import side_by_side
from debpress.config import Repository, Suite
from debpress.inspection import reading
from debpress.records.generation import number


@dataclass(frozen=True, slots=True)
class Shown:
    """A suite as it is published. `pattern` is the one that it fits, `modified` when its InRelease
    was put; it ends at `expires`. None: it was configured by its name, and stays."""

    suite: str
    pattern: str | None
    packages: int
    generation: int
    modified: str
    expires: str | None


@dataclass(frozen=True, slots=True)
class Room:
    """How many suites of a pattern there are, or are being made; and how many there may be."""

    pattern: str
    suites: int
    at_most: int
    ttl_days: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def there(archive: Archive, repository: Repository) -> list[Suite]:
    """The configured suites in their order, then those of patterns by their names. Raises
    StoreError, TransientError or CorruptError. IAM: s3:GetObject on `state/_suites/` and the root.
    """
    return [*repository.suites, *_living(archive, repository)]


def is_there(archive: Archive, suite: Suite) -> bool:
    """Whether hosts can read it. One that is no pattern's is, from its deployment on."""
    return suite.life is None or archive.head(archive.layout.inrelease(suite.suite)) is not None


def shown(archive: Archive, repository: Repository) -> Iterator[Shown]:
    """All of them, with what they publish. Of one that ends meanwhile nothing is said. Raises as
    `there`, and ConfigError where a configured suite publishes nothing."""
    for suite in there(archive, repository):
        inrelease = archive.suite(suite.suite).inrelease()
        if inrelease is None:
            if suite.life:
                continue
            raise reading.nothing(suite.suite)
        published = archive.suite(suite.suite).parse(inrelease)
        metadata = inrelease.head.metadata
        yield Shown(
            suite=suite.suite,
            pattern=suite.life.pattern if suite.life else None,
            packages=len(reading.packages_of(archive, suite.suite, published.release)),
            generation=number(metadata.get(GENERATION)),
            modified=iso(published.last_modified),
            expires=metadata.get(EXPIRES) if suite.life else None,
        )


def rooms(archive: Archive, repository: Repository) -> list[Room]:
    """For each pattern. Raises CorruptError."""
    lives = [pattern.life for pattern in repository.patterns if pattern.life]
    counts = side_by_side(lambda life: len(archive.suites.of(life).since), lives)
    return [
        Room(life.pattern, count, life.at_most, life.ttl_days)
        for life, count in zip(lives, counts, strict=True)
    ]


def _living(archive: Archive, repository: Repository) -> list[Suite]:
    """A name on the list may be that of one that was never finished, or that has just ended."""
    named = [repository.suite(name) for name in archive.living(repository)]
    known = [suite for suite in named if suite is not None]
    there = side_by_side(lambda suite: is_there(archive, suite), known)
    return [suite for suite, is_so in zip(known, there, strict=True) if is_so]
