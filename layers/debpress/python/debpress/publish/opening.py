"""open: read the manifest, pin what it lists, share the work out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from debpress import layout, manifest
from debpress.clock import Clock
from debpress.config import Repository
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
# A Standard execution has 25,000 events and a chunk takes some ten: chunks grow before that.
_MOST_CHUNKS = 400


@dataclass(frozen=True, slots=True)
class Upload:
    """The upload of a manifest, as the event tells it."""

    key: str
    etag: str
    version_id: str | None

    @classmethod
    def of_event(cls, event: Mapping[str, Any]) -> Upload:
        """From EventBridge's `Object Created` (S3 user guide, "EventBridge event message")."""
        found = event["detail"]["object"]
        return cls(found["key"], found.get("etag", ""), found.get("version-id"))

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
    found = store.get(upload.key)
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
            plan = _operations(repository, plan, found.body)
        else:
            plan = _pinned(store, repository, plan, name, found)
    except RejectedError as error:
        plan = replace(plan, errors=tuple(each.as_json() for each in error.refusals))
    return _opened(plan.save(store))


def run_name(batch: Batch, identity: Manifest) -> str:
    """One name an upload: a repeated event has the same, a mended batch another."""
    exactly = "\0".join((identity.key, identity.etag, identity.version_id or ""))
    return f"{batch.component}.{batch.id}.{hashlib.sha256(exactly.encode()).hexdigest()[:16]}"


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


def _operations(repository: Repository, plan: Plan, body: bytes) -> Plan:
    refusals = _misplaced(repository, plan.batch, layout.OPERATIONS)
    try:
        found = operations.parse(body)
    except RejectedError as error:
        raise RejectedError([*refusals, *error.refusals]) from error
    if refusals:
        raise RejectedError(refusals)
    return replace(plan, operations=tuple(operations.as_json(each) for each in found))


def _pinned(store: Store, repository: Repository, plan: Plan, name: str, found: Object) -> Plan:
    """The plan with its files, and what is wrong with some of them.

    The others are validated all the same: all of a batch's errors are told at once. Raises
    RejectedError where nothing can be validated.
    """
    refusals = _misplaced(repository, plan.batch, name)
    try:
        listed = manifest.parse(name, found.body)
    except RejectedError as error:
        raise RejectedError([*refusals, *error.refusals]) from error
    if refusals:
        raise RejectedError(refusals)
    staged = {h.key.removeprefix(plan.batch.staging): h for h in store.list(plan.batch.staging)}
    files = []
    for file in listed.files:
        head = staged.pop(file.name, None)
        wrong = _wrong(file, head, repository.max_package_bytes)
        refusals += [Refusal(file.name, code, message) for code, message in wrong]
        if head is not None and head.size <= repository.max_package_bytes:
            files.append(Staged(file.name, file.sha256, head.size, head.etag))
    staged.pop(name, None)
    return replace(
        plan,
        files=tuple(files),
        ignored=tuple(sorted({*staged, *listed.others})),
        chunks=share_out([f.size for f in files]),
        errors=tuple(each.as_json() for each in refusals),
    )


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
