"""A generation: one commit in a suite's history, and what it made of each batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from debpress.clock import from_iso
from debpress.codec import Record, named, optional, versioned
from debpress.layout import Batch
from debpress.records.batch import (
    AdmittedPackage,
    Joint,
    ManifestRef,
    Plan,
    Problem,
    Provenance,
)


@dataclass(frozen=True, slots=True)
class PackageRef(Record):
    """A package that an index names."""

    package: str
    version: str
    architecture: str
    filename: str
    sha256: str
    size: int

    @property
    def identity(self) -> tuple[str, str, str]:
        return self.package, self.version, self.architecture


def ref_fields(
    package: PackageRef | AdmittedPackage,
) -> tuple[str, str, str, str, str, int]:
    """The fields of a PackageRef in their order, for the records that add to them."""
    which = package.package, package.version, package.architecture
    return *which, package.filename, package.sha256, package.size


@dataclass(frozen=True, slots=True)
class PackageOutcome(PackageRef):
    """What became of a package: `added`, `unchanged` or `removed`. `provenance` is that of one that
    was uploaded and proven; `vouched_by` is who answers for one that an `operator` listed, in place
    of a proof, where the suite asks for one."""

    action: str
    provenance: Provenance | None = optional()  # noqa: RUF009 (a field of the record)
    vouched_by: str | None = optional()

    @classmethod
    def of(cls, package: PackageRef | AdmittedPackage, action: str) -> PackageOutcome:
        fields = ref_fields(package)
        if not isinstance(package, AdmittedPackage):
            return cls(*fields, action=action)
        proven, voucher = package.provenance, package.vouched_by
        return cls(*fields, action=action, provenance=proven, vouched_by=voucher)


@dataclass(frozen=True, slots=True)
class BatchOutcome(Record):
    """What became of a run: its packages, or, where it was refused, its `errors`.

    `kinds` are `batch`, or the operations that were asked for, or `withdraw` for what takes out
    again what a `joint` batch brought. `left_over` are the versions that a
    partial prune left for the next one, where it left any. `uploader` is who published it, where
    uploaders are configured.
    """

    run: str
    batch: Batch
    manifest: ManifestRef
    started_at: str
    execution: str
    kinds: tuple[str, ...]
    ignored: tuple[str, ...]
    packages: tuple[PackageOutcome, ...] = ()
    errors: tuple[Problem, ...] | None = optional()
    left_over: int | None = optional()
    uploader: str | None = optional()
    joint: Joint | None = optional()  # noqa: RUF009 (a field of the record)

    @classmethod
    def of(cls, plan: Plan) -> BatchOutcome:
        """The outcome of a run of which nothing is decided yet: no packages and no errors."""
        return cls(
            run=plan.run,
            batch=plan.batch,
            manifest=plan.manifest,
            started_at=plan.started_at,
            execution=plan.execution,
            kinds=plan.kinds,
            ignored=plan.ignored,
            uploader=plan.uploader,
            joint=plan.joint,
        )

    def taken(self, packages: tuple[PackageOutcome, ...], left_over: int = 0) -> BatchOutcome:
        return replace(self, packages=packages, left_over=left_over or None)

    def refused(self, errors: tuple[Problem, ...]) -> BatchOutcome:
        return replace(self, packages=(), errors=errors)


@dataclass(frozen=True, slots=True)
class Unanswered(Record):
    """A run that an earlier generation decided, but whose result was not written yet."""

    run: str
    generation: str


@dataclass(frozen=True, slots=True)
class Parent(Record):
    """The InRelease that a generation was built on. Its commit replaces this InRelease only."""

    etag: str
    last_modified: str
    generation: str | None

    @property
    def modified(self) -> datetime:
        return from_iso(self.last_modified)


@versioned
@dataclass(frozen=True, slots=True)
class Generation(Record):
    """One flip: a commit in the chain of parents.

    `id` is `00000042-<digest>`, `number` the 42. `by` is the run whose execution made it, None for
    a set-up or a heartbeat. `release` is the text to be signed. `batches` are the runs that this
    generation publishes, `refused` the runs that it rejects. `added` and `removed` list packages by
    index name. `expires` is when a snapshot ends, or a suite of a pattern. The first
    one of such a suite has no parent, and comes `after` the last one of the life that the suite had
    before, where something is left of that.
    """

    id: str
    number: int
    suite: str
    parent: Parent | None
    date: str
    cause: str
    by: str | None
    release: str
    batches: tuple[BatchOutcome, ...] = ()
    refused: tuple[BatchOutcome, ...] = ()
    unanswered: tuple[Unanswered, ...] = named("left", ())
    added: Mapping[str, tuple[PackageRef, ...]] | None = None
    removed: Mapping[str, tuple[PackageRef, ...]] | None = None
    expires: str | None = None
    after: str | None = optional()

    @property
    def previous(self) -> str | None:
        """The id of the generation before it, in an earlier life of the suite perhaps."""
        return self.parent.generation if self.parent else self.after

    @property
    def text(self) -> bytes:
        """`release` as the bytes that are signed."""
        return self.release.encode("utf-8", "surrogateescape")

    @property
    def decided(self) -> set[str]:
        """The runs that this generation publishes or rejects; no later merge takes them up."""
        return {each.run for each in (*self.batches, *self.refused)}

    @property
    def changed(self) -> set[str]:
        """The indices that this generation lists anew, `main/binary-amd64/Packages`; of those that
        are new and empty, and of a snapshot, nothing is known."""
        return {*(self.added or ()), *(self.removed or ())}


@dataclass(frozen=True, slots=True)
class End(Record):
    """What hosts could read last of a snapshot, or of a suite of a pattern. `release` is the
    Release's text: it lists what they may still ask for, and what is kept for another grace.
    `generation` and `last_modified` are the suite's InRelease's; a snapshot has no other
    generation."""

    release: str
    generation: str | None = optional()
    last_modified: str | None = optional()

    @property
    def text(self) -> bytes:
        """`release` as the bytes that were signed."""
        return self.release.encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class EarlierEnd(End):
    """How an earlier life of the suite ended, and when: `at`."""

    at: str = field(kw_only=True)


@versioned
@dataclass(frozen=True, slots=True)
class Ended(End):
    """The reaper's note of a snapshot, or of a suite of a pattern, whose InRelease it deletes.
    `earlier` are the ends that the suite had within the grace before, where there were any."""

    earlier: tuple[EarlierEnd, ...] | None = optional()


@dataclass(frozen=True, slots=True)
class SignedRelease(Record):
    """A generation's Release, signed and waiting for its commit."""

    inrelease: str
    release_gpg: str


def number(generation: str | None) -> int:
    """The number of a generation's id, 42 for `00000042-<digest>`; 0 for None (no generation)."""
    return int(generation.partition("-")[0]) if generation else 0
