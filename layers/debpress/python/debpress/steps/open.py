"""open: read the manifest, pin the files that it lists, and divide them into chunks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import chain, islice

from debpress import layout, manifest
from debpress.archive import Archive
from debpress.concurrency import at_once
from debpress.config import Repository
from debpress.errors import RejectedError
from debpress.layout import Batch
from debpress.records.batch import ManifestRef, Plan, problems
from debpress.records.messages.admit import AdmitInput
from debpress.records.messages.open import Opened, OpenInput, OpenOutput
from debpress.steps.services import Services
from debpress.steps.uploads import Upload
from debpress.store import Head, Object
from debpress.suite import batch as rules
from debpress.suite.runs import run_name
from debpress.suite.staged import StagedObject

# Less than a lifecycle rule leaves the notes of a run (stacks/bucket.py).
_PLANS_LAST = timedelta(days=28)


def run(services: Services, message: OpenInput) -> OpenOutput:
    """Starts a run for one upload of a manifest.

    A repeated event finds the plan that the first one stored (the run's name follows from the
    manifest's key, ETag and version) or the published result, and changes nothing.
    """
    archive, upload = services.archive, Upload.of_event(message.event)
    place = layout.parse_staged(upload.key)
    if place is None or not layout.is_manifest(place[1]):
        return _ignored(f"{upload.key} is not the manifest of a batch")
    batch, name = place
    if not batch.is_answerable:
        return _ignored(f"{upload.key} is not in the place of any batch")
    # None of these depends on another one's answer, and none is needed to know the others' keys.
    found, state, staged = at_once(
        lambda: _read(archive, upload, name),
        lambda: archive.published(batch.suite),
        lambda: _begun(archive.staged(batch)),
    )
    if found is None or not upload.is_of(found.head):
        # A newer upload under the same name has an event of its own, which answers it.
        return _ignored(f"{upload.key} is gone or was uploaded again since")
    identity = ManifestRef(upload.key, found.head.etag, found.head.version_id)
    if _is_old(found.head) and _is_published(archive, batch, identity):
        return _ignored(f"{upload.key} is published already")
    plan = Plan(
        run=run_name(batch, identity),
        batch=batch,
        manifest=identity,
        started_at=message.started_at,
        execution=message.execution,
        base=state.generation if state else None,
    )
    filled = _filled(services.repository, plan, found, staged)
    kept = archive.runs(batch.suite).keep_plan(filled)
    if kept is not filled and _is_published(archive, batch, identity):
        return _ignored(f"{upload.key} is published already")
    return _opened(kept)


def _is_old(manifest: Head) -> bool:
    """Whether there may have been a plan of this upload which has expired since. A younger one has
    a plan if it was ever run, and only then a result."""
    now = manifest.served_at
    return now is None or now - manifest.last_modified > _PLANS_LAST


def _is_published(archive: Archive, batch: Batch, identity: ManifestRef) -> bool:
    result = archive.results.find(batch)
    return result is not None and (result.status, result.manifest) == ("published", identity)


def _begun(staged: Iterator[StagedObject]) -> Iterator[StagedObject]:
    """The same, its first page being read: no more is until it is known how many are too many."""
    return chain([*islice(staged, 1)], staged)


def _filled(
    repository: Repository, plan: Plan, found: Object, staged: Iterator[StagedObject]
) -> Plan:
    """The plan with its files or operations, or with every error of the manifest."""
    size = found.head.size
    try:
        if plan.manifest_name == layout.OPERATIONS and not rules.lists_files(found.body):
            return rules.plan_of_operations(repository, plan, size, found.body)
        plan, listed = rules.listed_by(repository, plan, size, found.body)
        return rules.plan_of_files(repository, plan, listed, staged)
    except RejectedError as error:
        return replace(plan, errors=problems(error.refusals))


def _read(archive: Archive, upload: Upload, name: str) -> Object | None:
    """The manifest. Of one beyond the size limit only the head, with an empty body: it is rejected
    for its size, so its bytes need not be read."""
    head = archive.head(upload.key) if upload.size is None else None
    size = upload.size if head is None else head.size
    try:
        manifest.check_size(name, size or 0)
    except RejectedError:
        head = archive.head(upload.key)
        return None if head is None else Object(head, b"")
    return archive.read(upload.key)


def _ignored(reason: str) -> OpenOutput:
    return OpenOutput(Opened.IGNORED, suite=None, run=None, reason=reason)


def _opened(plan: Plan) -> OpenOutput:
    suite = plan.batch.suite
    if plan.errors and not plan.chunks:
        return OpenOutput(Opened.REJECTED, suite, plan.run)
    chunks = tuple(AdmitInput(suite, plan.run, number) for number in range(len(plan.chunks)))
    return OpenOutput(Opened.OPENED, suite, plan.run, chunks)
