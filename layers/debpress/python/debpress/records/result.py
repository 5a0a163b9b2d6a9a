"""What CI is told, and what people are: results, and the reports of prunes and reapings."""

from __future__ import annotations

from dataclasses import dataclass

from debpress.codec import Record, versioned
from debpress.layout import Batch
from debpress.records.batch import ManifestRef, Problem
from debpress.records.generation import BatchOutcome, Generation, PackageOutcome, PackageRef


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

    @classmethod
    def of(
        cls,
        outcome: BatchOutcome,
        status: str,
        record: Generation | None,
        problems: tuple[Problem, ...],
        finished_at: str,
    ) -> Result:
        """What is told of a run; `record` is the generation that publishes it."""
        return cls(
            batch=outcome.batch,
            manifest=outcome.manifest,
            status=status,
            generation=record.number if record else None,
            release_date=record.date if record else None,
            packages=outcome.packages,
            ignored=outcome.ignored,
            errors=problems,
            started_at=outcome.started_at,
            finished_at=finished_at,
            execution=outcome.execution,
        )

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

    @classmethod
    def of(cls, component: str, package: PackageRef) -> PrunedPackage:
        return cls(
            package=package.package,
            version=package.version,
            architecture=package.architecture,
            filename=package.filename,
            sha256=package.sha256,
            size=package.size,
            component=component,
        )


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

    @classmethod
    def of(cls, record: Generation) -> PruneReport:
        """Of a generation with a prune in it, which has nobody else's changes: each package that
        went once, by component."""
        gone = {
            (component, *package.identity): PrunedPackage.of(component, package)
            for index, packages in (record.removed or {}).items()
            for component in [index.partition("/")[0]]
            for package in packages
        }
        removed = tuple(gone[identity] for identity in sorted(gone))
        return cls(
            suite=record.suite,
            generation=record.number,
            date=record.date,
            asked=tuple(Asker(each.batch, each.kinds, each.execution) for each in record.batches),
            removed=removed,
            unnamed_bytes=sum({p.filename: p.size for p in removed}.values()),
        )


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
