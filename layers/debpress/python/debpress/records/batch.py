"""What a run takes, what was found of it, and how it waits: from the manifest to the queue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from debpress.codec import Record, versioned
from debpress.errors import Refusal
from debpress.layout import Batch


@dataclass(frozen=True, slots=True)
class ManifestRef(Record):
    """Exactly one upload of a manifest: what a run answers."""

    key: str
    etag: str
    version_id: str | None


@dataclass(frozen=True, slots=True)
class Problem(Record):
    """A refusal as results tell it. `code` may be one that only a newer version knows."""

    file: str
    code: str
    message: str

    @classmethod
    def of(cls, refusal: Refusal) -> Problem:
        return cls(refusal.file, str(refusal.code), refusal.message)


@dataclass(frozen=True, slots=True)
class StagedFile(Record):
    """A listed file, as it was when the run began. `sha256` is the manifest's word."""

    name: str
    sha256: str
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class Plan(Record):
    """What a run takes. `base` is the suite's generation when the run began.

    `chunks` are the files shared out among the admitting functions: index ranges of `files`.
    `operations` are an operator's, in place of files. `errors` are what is wrong before any file
    is read; then nothing is taken.
    """

    run: str
    batch: Batch
    manifest: ManifestRef
    started_at: str
    execution: str
    base: str | None
    files: tuple[StagedFile, ...] = ()
    ignored: tuple[str, ...] = ()
    chunks: tuple[tuple[int, int], ...] = ()
    operations: tuple[Mapping[str, Any], ...] = ()
    errors: tuple[Problem, ...] = ()

    @property
    def manifest_name(self) -> str:
        return self.manifest.key.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class AdmittedPackage(Record):
    """A package that is valid and in the pool. `stanza` ends with one newline."""

    file: str
    package: str
    version: str
    architecture: str
    filename: str
    sha256: str
    size: int
    stanza: str


@dataclass(frozen=True, slots=True)
class Verdict(Record):
    """What the admission of one chunk found."""

    packages: tuple[AdmittedPackage, ...]
    errors: tuple[Problem, ...]


@versioned
@dataclass(frozen=True, slots=True)
class QueueEntry(Record):
    """A validated batch that waits to be merged. `queued_at` has microseconds."""

    plan: Plan
    queued_at: str
    packages: tuple[AdmittedPackage, ...]

    @property
    def order(self) -> tuple[str, str]:
        """The longest waiting first."""
        return self.queued_at, self.plan.run

    @property
    def run(self) -> str:
        return self.plan.run


def problems(refusals: Iterable[Refusal]) -> tuple[Problem, ...]:
    return tuple(Problem.of(each) for each in refusals)


def bounded(found: Sequence[Problem], most: int) -> tuple[Problem, ...]:
    """The first of them, and how many more there are: nobody reads a million."""
    if len(found) <= most:
        return tuple(found)
    unsaid = f"and {len(found) - most} more errors; mend these first"
    return (*found[:most], replace(found[most], message=unsaid))
