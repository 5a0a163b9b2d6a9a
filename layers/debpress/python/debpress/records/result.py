"""What CI is told, and what people are: results, and the reports of prunes and reapings."""

from __future__ import annotations

from dataclasses import dataclass

from debpress.codec import Record, versioned
from debpress.layout import Batch
from debpress.records.batch import ManifestRef, Problem
from debpress.records.generation import PackageOutcome, PackageRef


@versioned
@dataclass(frozen=True, slots=True)
class Result(Record):
    """A batch's result. `status` is `published`, `rejected` or `failed`; `generation` is a number,
    and with `release_date` None for what was not published."""

    batch: Batch
    manifest: ManifestRef
    status: str
    generation: int | None
    release_date: str | None
    packages: tuple[PackageOutcome, ...]
    ignored: tuple[str, ...]
    errors: tuple[Problem, ...]
    started_at: str
    finished_at: str
    execution: str

    def says_enough(self, newer: Result) -> bool:
        """The same already, or that the batch is published, which nothing said of one manifest
        unsays."""
        if self.manifest != newer.manifest:
            return False
        said = (self.status, self.generation, self.errors)
        return said == (newer.status, newer.generation, newer.errors) or self.status == "published"


@dataclass(frozen=True, slots=True)
class Asker(Record):
    """Who asked for a prune."""

    batch: Batch
    kinds: tuple[str, ...]
    execution: str


@dataclass(frozen=True, slots=True)
class PrunedPackage(PackageRef):
    component: str


@versioned
@dataclass(frozen=True, slots=True)
class PruneReport(Record):
    """What a prune took out. `unnamed_bytes` is the size of their files, each once: what comes back
    when they are reaped, unless another suite names them still."""

    suite: str
    generation: int
    date: str
    asked: tuple[Asker, ...]
    removed: tuple[PrunedPackage, ...]
    unnamed_bytes: int


@dataclass(frozen=True, slots=True)
class DeletedObject(Record):
    key: str
    size: int
    version_id: str | None


@versioned
@dataclass(frozen=True, slots=True)
class ReapReport(Record):
    """What a part of a reaping has deleted."""

    started_at: str
    part: int
    deleted: tuple[DeletedObject, ...]
    bytes: int
