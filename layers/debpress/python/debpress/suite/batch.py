"""What a batch must be before any of its files is read, and how the reading is shared out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from debpress import layout, manifest, strict
from debpress.config import Repository
from debpress.errors import Code, Refusal, RejectedError
from debpress.findings import printable
from debpress.index.entries import Identity
from debpress.index.versions import CanonicalVersion, canonical, meet
from debpress.layout import Batch
from debpress.manifest import Listed, Manifest
from debpress.records.batch import AdmittedPackage, Joint, Plan, StagedFile, problems
from debpress.suite.staged import StagedObject
from debpress.suite.uploading import whose

# A chunk is one call of the admitting function, and the work of it is told in bytes: small enough
# that what takes long goes side by side, large enough that a hundred small files share a start. A
# file's requests take as long as its function takes for some bytes. A large file takes S3 longer
# than the function, which waits for several at once (and where S3 gives no sums, has 15 minutes to
# read four of 5 GB).
_CHUNK = 200 * 10**6
_FILE = 15 * 10**5
_LARGE_FILE = 50 * 10**6
# An execution may have 25,000 events, and a chunk that is throttled takes a hundred: chunks grow
# before there are too many.
_MOST_CHUNKS = 100

# Files that a manifest does not list. Each is looked at, and S3 lists a thousand at a time.
_MOST_BESIDE = 100_000
_MOST_IGNORED = 1000


def lists_files(body: bytes) -> bool:
    """Whether an operations.json lists files, to be taken as they are published elsewhere, in place
    of operations."""
    try:
        value = strict.loads(body.decode())
    except ValueError:
        return False  # Whatever it is, the reader of operations says.
    return isinstance(value, strict.JsonObject) and "files" in value


def plan_of_operations(repository: Repository, plan: Plan, size: int, body: bytes) -> Plan:
    """The plan with its operations. Raises RejectedError with everything that is wrong.

    `size` is the object's, of which one that is too large comes without its bytes.
    """
    from debpress.suite import operations  # noqa: PLC0415 (of few batches)

    refusals = misplaced(repository, plan.batch, layout.OPERATIONS)
    try:
        manifest.check_size(layout.OPERATIONS, size)
        found = operations.parse(body)
    except RejectedError as error:
        raise RejectedError([*refusals, *error.refusals]) from error
    if refusals:
        raise RejectedError(refusals)
    return replace(plan, operations=tuple(operations.as_json(each) for each in found))


def listed_by(repository: Repository, plan: Plan, size: int, body: bytes) -> tuple[Plan, Manifest]:
    """The plan with its uploader, and what its manifest lists; `size` as above. Raises
    RejectedError where nothing can be validated."""
    refusals = misplaced(repository, plan.batch, plan.manifest_name)
    uploader = None
    try:
        manifest.check_size(plan.manifest_name, size)
        try:
            uploader, body = whose(repository, plan, body)
        except RejectedError as error:
            refusals += error.refusals
        listed = manifest.parse(plan.manifest_name, body)
    except RejectedError as error:
        raise RejectedError([*refusals, *error.refusals]) from error
    if refusals:
        raise RejectedError(refusals)
    return replace(plan, uploader=uploader), listed


def plan_of_files(
    repository: Repository, plan: Plan, listed: Manifest, staged: Iterable[StagedObject]
) -> Plan:
    """The plan with its files pinned as they are staged, and what is wrong with some of them.

    The others are validated all the same: all of a batch's errors are told at once. Raises
    RejectedError when there are too many files to look through.
    """
    suite = repository.suite(plan.batch.suite)
    # Where there is a policy, admission reads them.
    proofs = {f.name + layout.BUNDLE for f in listed.files} if suite and suite.provenance else set()
    beside = _Beside(plan.manifest_name, listed, proofs)
    for each in staged:
        beside.take(each)
    files = []
    refusals = []
    for file in listed.files:
        found = beside.found.get(file.name)
        wrong = _wrong(file, found, repository.max_package_bytes)
        refusals += [Refusal(file.name, code, message) for code, message in wrong]
        if found is not None and found.size <= repository.max_package_bytes:
            files.append(StagedFile(file.name, file.sha256, found.size, found.etag))
    return replace(
        plan,
        # By its key, which policies give to operators alone; CI can write nothing that has it.
        as_published=True if plan.manifest_name == layout.OPERATIONS else None,
        joint=_joint(repository, plan, listed),
        files=tuple(files),
        ignored=beside.ignored(),
        chunks=share_out(
            [f.size for f in files], repository.inspected(listed.suites or [plan.batch.suite])
        ),
        errors=problems(refusals),
    )


def _joint(repository: Repository, plan: Plan, listed: Manifest) -> Joint | None:
    if not listed.suites:
        return None
    from debpress.suite import joint  # noqa: PLC0415 (of few batches)

    return joint.of_plan(repository, plan, listed.suites)


class _Beside:
    """What lies in a batch's place: the files it lists, and however many that it does not."""

    def __init__(self, name: str, listed: Manifest, others: set[str]) -> None:
        self.found: dict[str, StagedObject] = {}
        self._name = name
        self._wanted = {file.name for file in listed.files}
        self._ignored = {printable(other) for other in listed.others}
        self._known = {*listed.others, *others, name}
        self._unsaid = self._seen = 0

    def take(self, staged: StagedObject) -> None:
        """Raises RejectedError when there are too many to look through."""
        name = staged.name
        self._seen += 1
        if name in self._wanted:
            self.found[name] = staged
        elif name in self._known:
            return
        elif self._seen > _MOST_BESIDE:
            message = (
                f"more than {_MOST_BESIDE} files are beside it; upload to a batch of another name"
            )
            raise RejectedError([Refusal(printable(self._name), Code.TOO_LARGE, message)])
        elif len(self._ignored) < _MOST_IGNORED:
            self._ignored.add(printable(name))
        else:
            self._unsaid += 1

    def ignored(self) -> tuple[str, ...]:
        """Names that can be printed, at most a thousand."""
        names = sorted(self._ignored)
        more = len(names) - _MOST_IGNORED
        unsaid = self._unsaid + max(0, more)
        return (*names[:_MOST_IGNORED], *([f"... and {unsaid} more"] if unsaid else []))


def _wrong(file: Listed, found: StagedObject | None, most: int) -> Iterator[tuple[Code, str]]:
    if found is None:
        yield Code.FILE_MISSING, "listed but not uploaded; upload it, then the manifest again"
        return
    if file.size is not None and file.size != found.size:
        yield (
            Code.SIZE_MISMATCH,
            f"is {found.size} bytes, the manifest says {file.size}; upload the right one, then the "
            "manifest again",
        )
    if found.size > most:
        yield (
            Code.TOO_LARGE,
            f"is {found.size} bytes, the most is {most}; make it smaller or split it",
        )


def misplaced(repository: Repository, batch: Batch, name: str) -> list[Refusal]:
    """What is wrong with where the batch was put; `name` is its manifest's."""
    name = printable(name)
    suite = repository.suite(batch.suite)
    if suite is None:
        known = ", ".join(s.suite for s in (*repository.suites, *repository.patterns))
        message = f"there is no suite {batch.suite!r} here; upload to one of: {known}"
        return [Refusal(name, Code.SUITE_UNKNOWN, message)]
    refusals = []
    if batch.component not in suite.components:
        known = ", ".join(suite.components)
        message = (
            f"suite {suite.suite} has no component {batch.component!r}; upload to one of: {known}"
        )
        refusals.append(Refusal(name, Code.COMPONENT_UNKNOWN, message))
    if not layout.BATCH.fullmatch(batch.id):
        message = (
            f"the batch name {batch.id!r} must be letters, digits and . _ - only, at most 128, the "
            "first a letter or digit"
        )
        refusals.append(Refusal(name, Code.KEY_MALFORMED, message))
    elif suite.life and batch.id in suite.components:
        # IAM's `*` spans slashes: who may write `staging/pr-*/main/*` may write this as well.
        message = (
            f"a batch for {suite.suite} can't be named {batch.id!r}, as a component of it is; "
            "give it another name"
        )
        refusals.append(Refusal(name, Code.KEY_MALFORMED, message))
    return refusals


def share_out(sizes: Sequence[int], whole: int) -> tuple[tuple[int, int], ...]:
    """Index ranges of consecutive files, each a chunk of work, however many files there are.
    `whole` is the most of a file, in bytes, that is unpacked to its end."""
    work = [_FILE + (size if size <= whole else min(size, _LARGE_FILE)) for size in sizes]
    most = max(_CHUNK, 2 * sum(work) // _MOST_CHUNKS)
    chunks = []
    first = total = 0
    for index, each in enumerate(work):
        if index > first and total + each > most:
            chunks.append((first, index))
            first, total = index, 0
        total += each
    return (*chunks, (first, len(sizes))) if sizes else ()


def contradictions(packages: Sequence[AdmittedPackage]) -> list[Refusal]:
    """One version twice in a batch with different bytes (law 4), however it is spelled; what is for
    `all` is one version with every other architecture's."""
    refusals = []
    seen: dict[tuple[str, CanonicalVersion], dict[str, AdmittedPackage]] = {}
    for package in packages:
        version = seen.setdefault((package.package, canonical(package.version)), {})
        other = _met(version, package.architecture)
        version.setdefault(package.architecture, package)
        if other is not None and other.sha256 != package.sha256:
            refusals.append(Refusal(package.file, Code.VERSION_REUSED, _twice(package, other)))
    return refusals


def _met(version: Mapping[str, AdmittedPackage], architecture: str) -> AdmittedPackage | None:
    """The package of those of a version, by architecture, that is the same to some host."""
    if architecture in version:
        return version[architecture]
    return next((each for name, each in version.items() if meet(name, architecture)), None)


def _twice(package: AdmittedPackage, other: AdmittedPackage) -> str:
    identity = Identity(package.package, package.version, package.architecture)
    apart = f", for {other.architecture}," if other.architecture != package.architecture else ""
    return (
        f"is {identity} with SHA-256 {package.sha256}, and so is{apart} {other.file} with "
        f"{other.sha256}; keep one, or give one a new version"
    )
