"""What a proof is made with: its packages, uploads and operations in one component of one suite."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from debpress.adapters.executions import Executions
from debpress.adapters.s3 import S3Store
from debpress.archive import Archive
from debpress.clock import Clock
from debpress.commands import waiting
from debpress.commands.packages import LocalPackage, examine
from debpress.commands.sending import send
from debpress.errors import RejectedError
from debpress.index.release import Release
from debpress.inspection import reading
from debpress.layout import OPERATIONS, Batch
from debpress.proof import packages
from debpress.records.result import Result
from debpress.store import Head, Object
from debpress.suite.operations import Operation, as_manifest

_LOOKS = 100
_RUNNING_SECONDS = 0.1
_ENDED_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Upload:
    """A batch that was sent, and the Head of its manifest."""

    batch: Batch
    manifest: Head


@dataclass(slots=True)
class Bench:
    """`client` is S3's; `folder` takes the packages; `timeout` is for each result, in seconds.
    `releases` are all that were observed, in their order."""

    client: Any
    store: S3Store
    archive: Archive
    executions: Executions
    clock: Clock
    suite: str
    component: str
    folder: Path
    timeout: float
    releases: list[tuple[Object, Release]] = field(default_factory=list)
    _versions: int = 0

    def batch(self) -> Batch:
        return Batch(self.suite, self.component, f"proof-{waiting.new_id(self.clock)}")

    def small(self) -> LocalPackage:
        """A new version of the package."""
        return _examined(packages.small(self.folder, self._version(), self.clock.now()))

    def large(self, size: int) -> LocalPackage:
        """The same of about `size` bytes."""
        return _examined(packages.large(self.folder, self._version(), self.clock.now(), size))

    def _version(self) -> str:
        self._versions += 1
        return packages.version(self.clock.now(), self._versions)

    def send(self, package: LocalPackage) -> Upload:
        batch = self.batch()
        return Upload(batch, send(self.client, self.store, batch, [package]))

    def wait(self, upload: Upload) -> Result:
        result = waiting.wait(self.store, upload.batch, upload.manifest, self.clock, self.timeout)
        self.observe()
        return result

    def operate(self, operation: Operation) -> Result:
        batch = self.batch()
        manifest = self.store.put(batch.staging + OPERATIONS, as_manifest([operation]))
        return self.wait(Upload(batch, manifest))

    def observe(self) -> tuple[Object, Release]:
        """The release that is published now; it is noted, if it is another than the last."""
        found, published = reading.published(self.archive, self.suite)
        if not self.releases or self.releases[-1][0].head.etag != found.head.etag:
            self.releases.append((found, published.release))
        return found, published.release

    def generation(self) -> str:
        return str(reading.published(self.archive, self.suite)[1].generation)

    def listed(self) -> list[tuple[str, ...]]:
        """The proof's own packages in the index."""
        listed = reading.packages(self.archive, self.suite)
        return sorted(each.identity for each in reading.matching(listed, packages.NAME))

    def pooled(self, result: Result) -> Head | None:
        """The published file; None where there is none."""
        names = [each.filename for each in result.packages]
        return self.archive.head(self.archive.layout.pool(names[0])) if names else None

    def sha256(self, head: Head) -> str:
        """That of an object's bytes, as S3 vouches for it or as it is read."""
        if head.sha256 is not None:
            return head.sha256
        found = self.archive.read(head.key)
        return hashlib.sha256(found.body if found else b"").hexdigest()

    def took(self, upload: Upload) -> str:
        """How long after its manifest the result came, by S3's clock."""
        sent, answered = (
            self.archive.head(key) for key in (upload.manifest.key, upload.batch.result)
        )
        if sent is None or answered is None:
            return "at some time"
        return f"{(answered.last_modified - sent.last_modified).total_seconds():.0f} s"

    def running(self, upload: Upload) -> str | None:
        """The execution of an upload, while it runs; None where it could not be found in time."""
        for _ in range(_LOOKS):
            if found := self.executions.running(upload.manifest.key):
                return found
            self.clock.sleep(_RUNNING_SECONDS)
        return None

    def ended(self, execution: str) -> str:
        """How an execution ended; `RUNNING` where it did not in time."""
        for _ in range(_LOOKS):
            if (status := self.executions.status(execution)) != "RUNNING":
                return status
            self.clock.sleep(_ENDED_SECONDS)
        return "RUNNING"


def _examined(file: Path) -> LocalPackage:
    found, refusals = examine([file])
    if refusals:
        raise RejectedError(refusals)
    return found[0]
