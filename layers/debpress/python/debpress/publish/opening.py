"""open: read the manifest, pin what it lists, share the work out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from debpress import layout, manifest
from debpress.clock import Clock
from debpress.config import Repository
from debpress.deb.findings import printable
from debpress.errors import Code, Refusal, RejectedError
from debpress.layout import Batch, Layout
from debpress.manifest import Listed
from debpress.publish import notes, operations, published
from debpress.publish.notes import Manifest, Plan, Staged
from debpress.store import Head, Object, Store

# A chunk is one call of the admitting function (15 minutes, some 50 MB/s from S3): small enough
# that big packages go side by side, large enough that small ones share a start.
_CHUNK_FILES = 8
_CHUNK_BYTES = 200 * 10**6
# An execution may have 25,000 events, and a chunk that is throttled takes a hundred: chunks grow
# before there are too many. Cut by files and by bytes, there may be half as many again.
_MOST_CHUNKS = 100

# Files that a manifest does not list. Each is looked at, and S3 lists a thousand at a time.
_MOST_BESIDE = 100_000
_MOST_IGNORED = 1000


@dataclass(frozen=True, slots=True)
class Upload:
    """The upload of a manifest, as the event tells it."""

    key: str
    etag: str
    version_id: str | None
    size: int | None = None

    @classmethod
    def of_event(cls, event: Mapping[str, Any]) -> Upload:
        """From EventBridge's `Object Created` (S3 user guide, "EventBridge event message")."""
        found = event["detail"]["object"]
        return cls(found["key"], found.get("etag", ""), found.get("version-id"), found.get("size"))

    def is_of(self, head: Head) -> bool:
        """Whether this is the upload that the object is of. Not every event tells a version."""
        return self.etag == head.etag and self.version_id in (None, head.version_id)


def open_batch(
    store: Store, repository: Repository, clock: Clock, upload: Upload, execution: str, started: str
) -> dict[str, Any]:
    """Starts a run for one upload of a manifest. Returns the step's outcome.

    A repeat of an event finds the plan of the first (the run's name comes from the manifest's
    version) or its published result, and changes nothing.
    """
    place = layout.parse_staged(upload.key)
    if place is None or not layout.is_manifest(place[1]):
        return _ignored(f"{upload.key} is not the manifest of a batch")
    batch, name = place
    if not batch.is_answerable:
        return _ignored(f"{upload.key} is not in the place of any batch")
    found = _read(store, upload, name)
    if found is None or not upload.is_of(found.head):
        # A newer upload under the same name has an event of its own, which answers it.
        return _ignored(f"{upload.key} is gone or was uploaded again since")
    identity = Manifest(upload.key, found.head.etag, found.head.version_id)
    if _answered(store, batch, identity):
        return _ignored(f"{upload.key} is published already")

    run = run_name(batch, identity)
    earlier = notes.load(store, Layout.run(batch.suite, run, "plan.json"))
    if earlier is not None:
        return _opened(Plan.from_json(earlier))
    state = published.current(store, repository.layout, batch.suite, clock.now())
    plan = Plan(run, batch, identity, started, execution, state.generation if state else None)
    try:
        if name == layout.OPERATIONS:
            plan = _operations(repository, plan, found)
        else:
            plan = _pinned(store, repository, plan, name, found)
    except RejectedError as error:
        plan = replace(plan, errors=tuple(each.as_json() for each in error.refusals))
    return _opened(plan.save(store))


def run_name(batch: Batch, identity: Manifest) -> str:
    """One name an upload: a repeated event has the same, a mended batch another."""
    exactly = "\0".join((identity.key, identity.etag, identity.version_id or ""))
    digest = hashlib.sha256(exactly.encode()).hexdigest()[:16]
    # The id may be one that is about to be refused.
    return f"{batch.component}.{layout.safe(batch.id)[:128]}.{digest}"


def _read(store: Store, upload: Upload, name: str) -> Object | None:
    """The manifest; one larger than any may be comes without its bytes, which nobody will read."""
    head = store.head(upload.key) if upload.size is None else None
    size = upload.size if head is None else head.size
    try:
        manifest.check_size(name, size or 0)
    except RejectedError:
        head = store.head(upload.key)
        return None if head is None else Object(head, b"")
    return store.get(upload.key)


def _ignored(reason: str) -> dict[str, Any]:
    return {"outcome": "ignored", "reason": reason, "suite": None, "run": None}


def _opened(plan: Plan) -> dict[str, Any]:
    where = {"suite": plan.batch.suite, "run": plan.run}
    if plan.errors and not plan.chunks:
        return {"outcome": "rejected", **where}
    chunks = [{**where, "chunk": number} for number in range(len(plan.chunks))]
    return {"outcome": "opened", **where, "chunks": chunks}


def _answered(store: Store, batch: Batch, identity: Manifest) -> bool:
    result = notes.load(store, batch.result)
    return (
        result is not None
        and result["status"] == "published"
        and result["manifest"] == identity.as_json()
    )


def _operations(repository: Repository, plan: Plan, uploaded: Object) -> Plan:
    refusals = _misplaced(repository, plan.batch, layout.OPERATIONS)
    try:
        manifest.check_size(layout.OPERATIONS, uploaded.head.size)
        found = operations.parse(uploaded.body)
    except RejectedError as error:
        raise RejectedError([*refusals, *error.refusals]) from error
    if refusals:
        raise RejectedError(refusals)
    return replace(plan, operations=tuple(operations.as_json(each) for each in found))


def _pinned(store: Store, repository: Repository, plan: Plan, name: str, uploaded: Object) -> Plan:
    """The plan with its files, and what is wrong with some of them.

    The others are validated all the same: all of a batch's errors are told at once. Raises
    RejectedError where nothing can be validated.
    """
    refusals = _misplaced(repository, plan.batch, name)
    try:
        manifest.check_size(name, uploaded.head.size)
        listed = manifest.parse(name, uploaded.body)
    except RejectedError as error:
        raise RejectedError([*refusals, *error.refusals]) from error
    if refusals:
        raise RejectedError(refusals)
    beside = _Beside(name, listed)
    for staged in store.list(plan.batch.staging):
        beside.take(staged.key.removeprefix(plan.batch.staging), staged)
    files = []
    for file in listed.files:
        head = beside.found.get(file.name)
        wrong = _wrong(file, head, repository.max_package_bytes)
        refusals += [Refusal(file.name, code, message) for code, message in wrong]
        if head is not None and head.size <= repository.max_package_bytes:
            files.append(Staged(file.name, file.sha256, head.size, head.etag))
    return replace(
        plan,
        files=tuple(files),
        ignored=beside.ignored(),
        chunks=share_out([f.size for f in files]),
        errors=tuple(each.as_json() for each in refusals),
    )


class _Beside:
    """What lies in a batch's place: the files it lists, and however many that it does not."""

    def __init__(self, name: str, listed: manifest.Manifest) -> None:
        self.found: dict[str, Head] = {}
        self._name = name
        self._wanted = {file.name for file in listed.files}
        self._ignored = {printable(other) for other in listed.others}
        self._known = {*listed.others, name}
        self._unsaid = self._seen = 0

    def take(self, name: str, head: Head) -> None:
        """Raises RejectedError when there are too many to look through."""
        self._seen += 1
        if name in self._wanted:
            self.found[name] = head
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


def _wrong(file: Listed, head: Head | None, most: int) -> Iterator[tuple[Code, str]]:
    if head is None:
        yield Code.FILE_MISSING, "listed but not uploaded; upload it, then the manifest again"
        return
    if file.size is not None and file.size != head.size:
        yield (
            Code.SIZE_MISMATCH,
            f"is {head.size} bytes, the manifest says {file.size}; upload the right one, then the "
            "manifest again",
        )
    if head.size > most:
        yield (
            Code.TOO_LARGE,
            f"is {head.size} bytes, the most is {most}; make it smaller or split it",
        )


def _misplaced(repository: Repository, batch: Batch, name: str) -> list[Refusal]:
    """What is wrong with where the batch was put."""
    name = printable(name)
    suite = repository.suite(batch.suite)
    if suite is None:
        known = ", ".join(s.suite for s in repository.suites)
        return [
            Refusal(
                name,
                Code.SUITE_UNKNOWN,
                f"there is no suite {batch.suite!r} here; upload to one of: {known}",
            )
        ]
    refusals = []
    if batch.component not in suite.components:
        known = ", ".join(suite.components)
        refusals.append(
            Refusal(
                name,
                Code.COMPONENT_UNKNOWN,
                f"suite {suite.suite} has no component "
                f"{batch.component!r}; upload to one of: {known}",
            )
        )
    if not layout.BATCH.fullmatch(batch.id):
        refusals.append(
            Refusal(
                name,
                Code.KEY_MALFORMED,
                f"the batch name {batch.id!r} must be letters, "
                "digits and . _ - only, at most 128, the first a letter or digit",
            )
        )
    return refusals


def share_out(sizes: list[int]) -> tuple[tuple[int, int], ...]:
    """Index ranges of consecutive files, each a chunk of work, however many files there are."""
    most_files = max(_CHUNK_FILES, -(-2 * len(sizes) // _MOST_CHUNKS))
    most_bytes = max(_CHUNK_BYTES, 2 * sum(sizes) // _MOST_CHUNKS)
    chunks = []
    first = total = 0
    for index, size in enumerate(sizes):
        if index > first and (index - first >= most_files or total + size > most_bytes):
            chunks.append((first, index))
            first, total = index, 0
        total += size
    return (*chunks, (first, len(sizes))) if sizes else ()
