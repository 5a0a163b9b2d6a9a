"""Records for CI and people: the results of batches, and the reports of prunes and reapings."""

from __future__ import annotations

from dataclasses import dataclass

from debpress.codec import Record, optional, versioned
from debpress.layout import Batch
from debpress.records.batch import Flipped, ManifestRef, Problem
from debpress.records.generation import (
    BatchOutcome,
    Generation,
    PackageOutcome,
    PackageRef,
    number,
    ref_fields,
)


@dataclass(frozen=True, slots=True)
class SuiteResult(Record):
    """A suite in which a batch for several is published, since a generation (a number)."""

    suite: str
    generation: int
    release_date: str

    @classmethod
    def of(cls, found: Flipped) -> SuiteResult:
        return cls(found.suite, number(found.generation), found.release_date)


@versioned
@dataclass(frozen=True, slots=True)
class Result(Record):
    """A batch's result. `status` is `published`, `rejected` or `failed`. `generation` (a number)
    and `release_date` are None where the batch was not published. `left_over` is the number of
    versions that a partial prune left for the next one, None where it left nothing. `uploader` is
    who published it, where uploaders are configured. Of a batch for several suites, `suites` are
    those that have it, and the other fields say what the first one's generation does."""

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
    left_over: int | None = optional()
    uploader: str | None = optional()
    suites: tuple[SuiteResult, ...] | None = optional()

    @classmethod
    def of(
        cls,
        outcome: BatchOutcome,
        status: str,
        record: Generation | None,
        problems: tuple[Problem, ...],
        finished_at: str,
        suites: tuple[Flipped, ...] | None = None,
    ) -> Result:
        """A run's result; `record` is the generation that publishes it, None where none does.
        `suites` are given for a batch for several."""
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
            left_over=outcome.left_over,
            uploader=outcome.uploader,
            suites=None if suites is None else tuple(SuiteResult.of(each) for each in suites),
        )

    def says_enough(self, newer: Result) -> bool:
        """Whether this result makes writing `newer` needless: both are of the same upload and say
        the same, or this one says `published`, which is true of that upload for ever; or it is
        `rejected`, of a batch for several suites, and an execution that found nothing decided just
        before says `failed` (docs/protocol.md, interleaving 54)."""
        if self.manifest != newer.manifest:
            return False
        if self.suites is not None and (self.status, newer.status) == ("rejected", "failed"):
            return True
        said = (self.status, self.generation, self.errors)
        return said == (newer.status, newer.generation, newer.errors) or self.status == "published"


@dataclass(frozen=True, slots=True)
class Asker(Record):
    """A batch whose operations asked for a prune."""

    batch: Batch
    kinds: tuple[str, ...]
    execution: str


@dataclass(frozen=True, slots=True)
class PrunedPackage(PackageRef):
    component: str

    @classmethod
    def of(cls, component: str, package: PackageRef) -> PrunedPackage:
        return cls(*ref_fields(package), component=component)


@versioned
@dataclass(frozen=True, slots=True)
class PruneReport(Record):
    """The packages that a prune removed from a suite. `unnamed_bytes` is the size of their files
    together, each counted once: the space that reaping them frees, unless another suite still names
    some of them. `left_over` is the number of versions that a partial prune left for the next one,
    None where it left nothing."""

    suite: str
    generation: int
    date: str
    asked: tuple[Asker, ...]
    removed: tuple[PrunedPackage, ...]
    unnamed_bytes: int
    left_over: int | None = optional()

    @classmethod
    def of(cls, record: Generation) -> PruneReport:
        """The report of a generation that a prune made. Such a generation has no other batch's
        changes, so all that it removed was pruned; a package is listed once a component."""
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
            left_over=sum(each.left_over or 0 for each in record.batches) or None,
        )


@dataclass(frozen=True, slots=True)
class DeletedObject(Record):
    key: str
    size: int
    version_id: str | None


@versioned
@dataclass(frozen=True, slots=True)
class ReapReport(Record):
    """The objects that one part of a reaping has deleted; `bytes` is their size together."""

    started_at: str
    part: int
    deleted: tuple[DeletedObject, ...]
    bytes: int
