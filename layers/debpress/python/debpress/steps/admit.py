"""admit: validate packages and put them into the pool, where nothing names them yet."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from debpress.config import Suite
from debpress.errors import Code, Refusal, RejectedError
from debpress.records.batch import (
    AdmittedPackage,
    Plan,
    StagedFile,
    Verdict,
    bounded,
    problems,
)
from debpress.records.messages import AdmitInput, AdmitOutput
from debpress.steps.services import Services
from debpress.store import Head, ObjectChanged, ObjectHeaders, Pin, Store
from debpress.suite.admission import admitted, changed, filename_of, inspected, too_wordy

POOLED = ObjectHeaders(
    "application/vnd.debian.binary-package", cache_control="public, max-age=31536000, immutable"
)

# Bytes of stanzas in a chunk's verdict. A queue entry holds those of the whole batch, and a merge
# has all entries of its suite in memory. An ordinary package's stanza takes 1 KB.
_MOST_SAID = 8 * 1024 * 1024
_MOST_ERRORS = 1000

# Far below the least grace: the reaper deletes no object of this age.
_YOUNG = timedelta(minutes=30)


def run(services: Services, message: AdmitInput) -> AdmitOutput:
    """Validates the files of one chunk, copies them into the pool, and notes the verdict: the
    packages and every error."""
    runs = services.archive.runs(message.suite)
    plan = runs.plan(message.run)
    settings = services.repository.suite(message.suite)
    if settings is None:
        text = f"suite {message.suite!r} is not configured"
        raise RejectedError([Refusal("", Code.SUITE_UNKNOWN, text)])
    packages: list[AdmittedPackage] = []
    refusals: list[Refusal] = []
    first, end = plan.chunks[message.chunk]
    said = 0
    for file in plan.files[first:end]:
        try:
            package = _admit(services, settings, plan, file)
            said += len(package.stanza)
            if said <= _MOST_SAID:
                packages.append(package)
            else:
                refusals.append(too_wordy(file, _MOST_SAID))
        except RejectedError as error:
            refusals += error.refusals
        except ObjectChanged:
            refusals.append(changed(file))
    errors = bounded(problems(refusals), _MOST_ERRORS)
    runs.keep_verdict(message.run, message.chunk, Verdict(tuple(packages), errors))
    return AdmitOutput(message.chunk)


class _PinnedReader:
    """A staged file as `deb.inspect` reads it: each read is one ranged request to the store."""

    def __init__(self, store: Store, pin: Pin) -> None:
        self._store = store
        self._pin = pin

    def read(self, start: int, length: int) -> bytes:
        return b"".join(self._store.stream(self._pin, start, length))


def _admit(services: Services, suite: Suite, plan: Plan, file: StagedFile) -> AdmittedPackage:
    store, key = services.store, plan.batch.staging + file.name
    head = store.head(key)
    if head is None or head.etag != file.etag:
        raise ObjectChanged
    pin = Pin(key, head.etag, head.version_id)
    sha256 = head.sha256 or _sha256(store, pin)
    package = inspected(
        _PinnedReader(store, pin), suite, file, sha256, whole=services.repository.inspect_bytes
    )
    filename = filename_of(plan.batch.component, package, sha256)
    if not plan.errors:  # A batch that is rejected already need not fill the pool.
        _pool(store, pin, services.repository.layout.pool(filename), file.size)
    now = store.head(key)
    if now is None or (now.etag, now.version_id) != (head.etag, head.version_id):
        raise ObjectChanged
    return admitted(file, package, filename, sha256)


def _pool(store: Store, pin: Pin, target: str, size: int) -> None:
    present = store.head(target)
    if present is None or present.size != size or _may_be_condemned(present):
        # The pin makes S3 copy the very bytes that were validated, whatever is uploaded since.
        store.copy(pin, target, POOLED)


def _may_be_condemned(present: Head) -> bool:
    """Whether the reaper may be about to delete an object that is in the pool already.

    The reaper deletes only the version that it has looked at, so a new copy stays. It deletes no
    version younger than the grace, so a repeat of this step need not copy a young one again.
    """
    return present.served_at is None or present.served_at - present.last_modified > _YOUNG


def _sha256(store: Store, pin: Pin) -> str:
    digest = hashlib.sha256()
    for piece in store.stream(pin):
        digest.update(piece)
    return digest.hexdigest()
