"""open: read the manifest, pin the files that it lists, and divide them into chunks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from debpress import layout, manifest
from debpress.archive import Archive
from debpress.config import Repository
from debpress.errors import RejectedError
from debpress.layout import Batch
from debpress.records.batch import ManifestRef, Plan, problems
from debpress.records.messages import AdmitInput, Opened, OpenInput, OpenOutput
from debpress.steps.services import Services
from debpress.store import Head, Object
from debpress.suite import batch as rules
from debpress.suite.runs import run_name


@dataclass(frozen=True, slots=True)
class Upload:
    """The upload of a manifest, as the event describes it. `size` is in bytes."""

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
        """Whether the object in the store is this upload's. Events need not have a version id."""
        return self.etag == head.etag and self.version_id in (None, head.version_id)


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
    found = _read(archive, upload, name)
    if found is None or not upload.is_of(found.head):
        # A newer upload under the same name has an event of its own, which answers it.
        return _ignored(f"{upload.key} is gone or was uploaded again since")
    identity = ManifestRef(upload.key, found.head.etag, found.head.version_id)
    if _is_published(archive, batch, identity):
        return _ignored(f"{upload.key} is published already")
    runs = archive.runs(batch.suite)
    name_of_run = run_name(batch, identity)
    earlier = runs.find_plan(name_of_run)
    if earlier is not None:
        return _opened(earlier)
    state = archive.published(batch.suite)
    plan = Plan(
        run=name_of_run,
        batch=batch,
        manifest=identity,
        started_at=message.started_at,
        execution=message.execution,
        base=state.generation if state else None,
    )
    return _opened(runs.keep_plan(_filled(services.repository, archive, plan, found)))


def _filled(repository: Repository, archive: Archive, plan: Plan, found: Object) -> Plan:
    """The plan with its files or operations, or with every error of the manifest."""
    size = found.head.size
    try:
        if plan.manifest_name == layout.OPERATIONS:
            return rules.plan_of_operations(repository, plan, size, found.body)
        listed = rules.listed_by(repository, plan, size, found.body)
        return rules.plan_of_files(repository, plan, listed, archive.staged(plan.batch))
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


def _is_published(archive: Archive, batch: Batch, identity: ManifestRef) -> bool:
    result = archive.results.find(batch)
    return result is not None and (result.status, result.manifest) == ("published", identity)


def _ignored(reason: str) -> OpenOutput:
    return OpenOutput(Opened.IGNORED, suite=None, run=None, reason=reason)


def _opened(plan: Plan) -> OpenOutput:
    suite = plan.batch.suite
    if plan.errors and not plan.chunks:
        return OpenOutput(Opened.REJECTED, suite, plan.run)
    chunks = tuple(AdmitInput(suite, plan.run, number) for number in range(len(plan.chunks)))
    return OpenOutput(Opened.OPENED, suite, plan.run, chunks)
