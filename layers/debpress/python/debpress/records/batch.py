"""A batch from its manifest to the queue: the run's plan, the chunks' verdicts, the queue entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from debpress.codec import Record, optional, versioned
from debpress.errors import Refusal
from debpress.layout import Batch


@dataclass(frozen=True, slots=True)
class ManifestRef(Record):
    """One upload of a manifest. A run answers exactly this upload, and no later one of its key."""

    key: str
    etag: str
    version_id: str | None


@dataclass(frozen=True, slots=True)
class Problem(Record):
    """A refusal as it stands in results. `code` is text: a newer version may write other codes."""

    file: str
    code: str
    message: str

    @classmethod
    def of(cls, refusal: Refusal) -> Problem:
        return cls(refusal.file, str(refusal.code), refusal.message)


@dataclass(frozen=True, slots=True)
class StagedFile(Record):
    """A file that the manifest lists, as it was when the run began. `size` is in bytes; `sha256`
    is the manifest's claim, which admission checks."""

    name: str
    sha256: str
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class Flipped(Record):
    """A suite that has a joint batch, by its generation of this id and date."""

    suite: str
    generation: str
    release_date: str


@dataclass(frozen=True, slots=True)
class Joint(Record):
    """A batch for several suites, in the order in which they flip; `done` have. `errors` are why
    one has refused it: then the suites that are done take out what they got, the last first, and
    are done no more."""

    suites: tuple[str, ...]
    done: tuple[Flipped, ...] = ()
    errors: tuple[Problem, ...] | None = optional()

    @property
    def is_first(self) -> bool:
        """Whether no suite has it yet."""
        return not self.done and self.errors is None


@dataclass(frozen=True, slots=True)
class Plan(Record):
    """What a run is to publish. `base` is the id of the suite's generation when the run began.

    `chunks` are the shares of `files` for each call of `admit`, as index ranges (first, end).
    `operations` are an operator's, in place of files. `as_published`: an operator has listed the
    files, and what hosts can live with is taken. `errors` were found before any file was read;
    where there are some, the batch is rejected. `uploader` is whose batch it is, where uploaders
    are configured for its place. `joint` is where a batch for several suites stands, as
    this suite's turn comes; `batch` is then the place of the first.
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
    as_published: bool | None = optional()
    uploader: str | None = optional()
    joint: Joint | None = optional()  # noqa: RUF009 (a field of the record)

    @property
    def kinds(self) -> tuple[str, ...]:
        """What it is: a batch, or an operator's operations, or the taking out of a joint batch."""
        if self.joint and self.joint.errors is not None:
            return ("withdraw",)
        return tuple(sorted({str(each["op"]) for each in self.operations})) or ("batch",)

    @property
    def manifest_name(self) -> str:
        return self.manifest.key.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Provenance(Record):
    """Where a package was built, as was proven when it was admitted. `bundle` is the SHA-256 of the
    Sigstore bundle that proves it, which is kept; the others are `Claims`, `workflow` a file of the
    repository, `run` an address."""

    bundle: str
    repository: str
    workflow: str
    ref: str
    commit: str
    run: str


# Whoever may write an operations.json: the press knows nothing else of him.
OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class AdmittedPackage(Record):
    """A package that is valid and in the pool. `stanza` is its paragraph of a Packages index, and
    ends with one newline; `filename` is the pool's, `file` the staged file's name. `provenance` is
    None where the suite asks for none, or takes it without. `vouched_by`: somebody answers for it,
    where the suite asks and nothing was proven."""

    file: str
    package: str
    version: str
    architecture: str
    filename: str
    sha256: str
    size: int
    stanza: str
    provenance: Provenance | None = optional()  # noqa: RUF009 (a field of the record)
    vouched_by: str | None = optional()


@dataclass(frozen=True, slots=True)
class Verdict(Record):
    """What the admission of one chunk found. `plan` is the run's where this is its only chunk, so
    that whoever queues the batch need not read both."""

    packages: tuple[AdmittedPackage, ...]
    errors: tuple[Problem, ...]
    plan: Plan | None = optional()  # noqa: RUF009 (a field of the record)


@versioned
@dataclass(frozen=True, slots=True)
class QueueEntry(Record):
    """A validated batch that waits to be merged. `queued_at` is an ISO 8601 time to the
    microsecond, by which entries sort as text."""

    plan: Plan
    queued_at: str
    packages: tuple[AdmittedPackage, ...]

    @property
    def order(self) -> tuple[str, str]:
        """A sort key: the entry that has waited longest comes first."""
        return self.queued_at, self.plan.run

    @property
    def run(self) -> str:
        return self.plan.run


@dataclass(frozen=True, slots=True)
class Waiting(Record):
    """How to wake the execution of a run that waits: by Step Functions' token."""

    token: str


def in_order(entries: Iterable[QueueEntry | None]) -> list[QueueEntry]:
    """Those that are there, the longest waiting first."""
    return sorted((each for each in entries if each), key=lambda entry: entry.order)


def problems(refusals: Iterable[Refusal]) -> tuple[Problem, ...]:
    return tuple(Problem.of(each) for each in refusals)


def bounded(found: Sequence[Problem], most: int) -> tuple[Problem, ...]:
    """The first `most` problems, and one that tells how many are left out. A result with a million
    errors would be read by nobody."""
    if len(found) <= most:
        return tuple(found)
    unsaid = f"and {len(found) - most} more errors; mend these first"
    return (*found[:most], replace(found[most], message=unsaid))
