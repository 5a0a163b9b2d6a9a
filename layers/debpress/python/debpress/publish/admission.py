"""admit: validate packages and put them into the pool, where nothing names them yet."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import timedelta

from debpress import deb
from debpress.config import Repository, Suite
from debpress.errors import Code, Refusal, RejectedError
from debpress.layout import Layout, pool_filename
from debpress.publish import notes
from debpress.publish.notes import Admitted, Plan, Staged
from debpress.store import Head, ObjectChanged, ObjectHeaders, Pin, Store

POOLED = ObjectHeaders(
    "application/vnd.debian.binary-package", cache_control="public, max-age=31536000, immutable"
)

# A chunk's verdicts go on as one note, a batch's as one entry of the queue, and whoever merges
# reads all that wait. An ordinary package says 1 KB of itself.
_MOST_SAID = 8 * 1024 * 1024
_MOST_ERRORS = 1000

_YOUNG = timedelta(minutes=30)


def admit(store: Store, repository: Repository, suite: str, run: str, chunk: int) -> None:
    """Admits the files of one chunk and notes what they are, and every error found."""
    plan = Plan.load(store, suite, run)
    settings = repository.suite(suite)
    if settings is None:
        raise RejectedError([Refusal("", Code.SUITE_UNKNOWN, f"suite {suite!r} is not configured")])
    packages: list[Admitted] = []
    refusals: list[Refusal] = []
    first, end = plan.chunks[chunk]
    said = 0
    for file in plan.files[first:end]:
        try:
            package = _admit(store, repository, settings, plan, file)
            said += len(package.stanza)
            if said <= _MOST_SAID:
                packages.append(package)
            else:
                refusals.append(_wordy(file))
        except RejectedError as error:
            refusals += error.refusals
        except ObjectChanged:
            refusals.append(_changed(file))
    body = {
        "packages": [asdict(p) for p in packages],
        "errors": [r.as_json() for r in notes.bounded(refusals, _MOST_ERRORS)],
    }
    # The first verdict stands: should a repeat of the event find a file replaced since, it must not
    # reject what goes its way already.
    notes.put_first(store, Layout.run(suite, run, chunk_name(chunk)), body)


def chunk_name(chunk: int) -> str:
    return f"chunk-{chunk:05}.json"


class _PinnedReader:
    """A staged file for `deb.inspect`, a range a read."""

    def __init__(self, store: Store, pin: Pin) -> None:
        self._store = store
        self._pin = pin

    def read(self, start: int, length: int) -> bytes:
        return b"".join(self._store.stream(self._pin, start, length))


def _admit(
    store: Store, repository: Repository, suite: Suite, plan: Plan, file: Staged
) -> Admitted:
    key = plan.batch.staging + file.name
    head = store.head(key)
    if head is None or head.etag != file.etag:
        raise ObjectChanged
    pin = Pin(key, head.etag, head.version_id)
    refusals: list[Refusal] = []
    sha256 = head.sha256 or _sha256(store, pin)
    if sha256 != file.sha256:
        refusals.append(
            Refusal(
                file.name,
                Code.SUM_MISMATCH,
                f"its SHA-256 is {sha256}, the manifest says "
                f"{file.sha256}; upload the right one, then the manifest again",
            )
        )
    try:
        package = deb.inspect(file.name, _PinnedReader(store, pin), file.size)
    except RejectedError as error:
        raise RejectedError([*refusals, *error.refusals]) from error
    if package.architecture not in ("all", *suite.architectures):
        known = ", ".join(("all", *suite.architectures))
        refusals.append(
            Refusal(
                file.name,
                Code.ARCHITECTURE_UNKNOWN,
                f"suite {suite.suite} has no architecture {package.architecture!r}; it has {known}",
            )
        )
    if refusals:
        raise RejectedError(refusals)
    filename = pool_filename(
        plan.batch.component,
        package.source,
        sha256,
        package.package,
        package.version,
        package.architecture,
    )
    if not plan.errors:  # A batch that is rejected already need not fill the pool.
        _pool(store, pin, repository.layout.pool(filename), file.size)
    now = store.head(key)
    if now is None or (now.etag, now.version_id) != (head.etag, head.version_id):
        raise ObjectChanged
    stanza = deb.stanza(package, filename=filename, size=file.size, sha256=sha256)
    return Admitted(
        file=file.name,
        package=package.package,
        version=package.version,
        architecture=package.architecture,
        filename=filename,
        sha256=sha256,
        size=file.size,
        stanza=stanza.decode("utf-8", "surrogateescape"),
    )


def _pool(store: Store, pin: Pin, target: str, size: int) -> None:
    present = store.head(target)
    if present is None or present.size != size or _may_be_condemned(present):
        # The pin makes S3 copy the very bytes that were validated, whatever is uploaded since.
        store.copy(pin, target, POOLED)


def _may_be_condemned(present: Head) -> bool:
    """Whether the reaper may be about to delete what is in the pool already.

    It deletes exactly the version it looked at, so a new copy stays; and no version younger than
    the grace, so a repeat of this step need not copy again.
    """
    return present.served_at is None or present.served_at - present.last_modified > _YOUNG


def _sha256(store: Store, pin: Pin) -> str:
    digest = hashlib.sha256()
    for piece in store.stream(pin):
        digest.update(piece)
    return digest.hexdigest()


def _wordy(file: Staged) -> Refusal:
    return Refusal(
        file.name,
        Code.TOO_LARGE,
        f"the control files of this one and those beside it are more than {_MOST_SAID} bytes; "
        "make several batches",
    )


def _changed(file: Staged) -> Refusal:
    return Refusal(
        file.name,
        Code.FILE_CHANGED,
        "was replaced or removed while the batch was being "
        "validated; leave uploaded files alone, or upload the manifest again",
    )
