"""Sends a batch to staging: the packages side by side, then the manifest, which starts the
workflow.

What breaks off is taken up again: a part of a file by botocore, a file by this module, for some two
minutes in which nothing gets through; and with `again`, what an earlier command has staged is not
sent a second time (decision 0025).
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from debpress.clock import Clock, SystemClock
from debpress.commands import text
from debpress.commands.beside import bundles
from debpress.commands.packages import LocalPackage, told
from debpress.commands.progress import Progress
from debpress.concurrency import side_by_side
from debpress.errors import StoreError, TransientError
from debpress.layout import OPERATIONS, Batch
from debpress.store import Head, ObjectHeaders

if TYPE_CHECKING:
    from debpress.adapters.s3 import S3Store

_T = TypeVar("_T")

# Seconds between the rounds in which nothing gets through; each has botocore's own attempts, too.
PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)

# The SHA-256 of the whole file, among the staged object's metadata. S3 has one of its own only of
# what comes in one part.
_SUM = "sha256"


class Listed(Protocol):
    """A file as a manifest lists it: its name in staging, SHA-256 and size in bytes."""

    @property
    def name(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def size(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest, by its name in staging."""

    name: str
    body: bytes


def send(client: Any, store: S3Store, batch: Batch, packages: Sequence[LocalPackage]) -> Head:
    """Uploads the files, then the manifest; returns the manifest's Head. Raises as `send_files`."""
    send_files(client, store, batch, packages)
    return put_manifest(store, batch, packages)


def send_files(
    client: Any,
    store: S3Store,
    batch: Batch,
    packages: Sequence[LocalPackage],
    clock: Clock | None = None,
    *,
    again: bool = False,
) -> None:
    """Uploads the files and their Sigstore bundles.

    With `again`, files that are staged with the same sum stay; whoever may not look at staging
    sends all. Raises TransientError or StoreError; the bucket's lifecycle then deletes the files
    that were uploaded, unless another command goes on.

    IAM: s3:PutObject and s3:AbortMultipartUpload on the batch's staging prefix; to look what is
    there, s3:ListBucket on the bucket for that prefix, or s3:GetObject on it.
    """
    files = [*packages, *bundles(packages)]
    there = _staged(store, batch, files) if again else set()
    lacking = [file for file in files if file.name not in there]
    sending = _Sending(client, store, batch, lacking, len(packages) > 1)
    sending.all(clock or SystemClock())


def put_manifest(
    store: S3Store, batch: Batch, files: Sequence[Listed], *, as_published: bool = False
) -> Head:
    """Starts the workflow for files that are staged; returns the manifest's Head. `as_published` is
    an operator's word, under the key that CI may not write: what hosts can live with is taken."""
    name = OPERATIONS if as_published else "manifest.json"
    return put(store, batch, Document(name, manifest_of(files, as_published=as_published)))


def put(store: S3Store, batch: Batch, manifest: Document) -> Head:
    """Starts the workflow for files that are staged."""
    form = _JSON if manifest.name.endswith(".json") else _TEXT
    return store.put(batch.staging + manifest.name, manifest.body, form)


def manifest_of(
    files: Sequence[Listed], suites: Sequence[str] = (), *, as_published: bool = False
) -> bytes:
    """The manifest.json that lists the files, or an operator's list of them."""
    listed = [{"name": each.name, "sha256": each.sha256, "size": each.size} for each in files]
    said: dict[str, Any] = {"version": 1}
    if as_published:
        said["as_published"] = True
    if suites:
        said["suites"] = list(suites)
    return json.dumps({**said, "files": listed}, indent=1).encode()


@dataclass(slots=True)
class _Sending:
    """The files that are not up yet, and how they get there."""

    client: Any
    store: S3Store
    batch: Batch
    lacking: list[LocalPackage]
    # Of a single one it goes without saying.
    several: bool
    _progress: Progress = field(init=False)

    def all(self, clock: Clock) -> None:
        """Raises TransientError when nothing got through for long; StoreError at once."""
        with Progress("uploading", sum(package.size for package in self.lacking)) as progress:
            self._progress = progress
            pauses = iter(PAUSES)
            while self.lacking:
                before = len(self.lacking)
                dropped = self._round()
                if dropped is None:
                    return
                if len(self.lacking) < before:
                    pauses = iter(PAUSES)
                pause = next(pauses, None)
                if pause is None:
                    raise dropped
                said = text.printable(dropped).removesuffix(" Try again.")
                progress.say(f"{said} Trying again in {pause:g} s.")
                clock.sleep(pause)

    def _round(self) -> TransientError | None:
        """Sends what is lacking. Gives the first error that may pass, and raises any other, when
        what else is under way is given up."""
        from s3transfer.manager import TransferConfig, TransferManager  # noqa: PLC0415

        dropped: TransientError | None = None
        config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART)
        with TransferManager(self.client, config) as manager:
            begun = [(package, self._begin(manager, package)) for package in self.lacking]
            try:
                for package, future in begun:
                    try:
                        self._end(package, future)
                    except TransientError as error:
                        dropped = dropped or error
            except StoreError:
                for _, future in begun:
                    future.cancel()
                raise
        return dropped

    def _begin(self, manager: Any, package: LocalPackage) -> Any:
        from s3transfer.subscribers import BaseSubscriber  # noqa: PLC0415

        progress = self._progress

        class Told(BaseSubscriber):  # type: ignore[misc]
            def on_progress(self, bytes_transferred: int, **_: Any) -> None:
                progress(bytes_transferred)

        return manager.upload(
            str(package.path),
            self.store.bucket,
            self.batch.staging + package.name,
            # S3 then has the SHA-256 of what comes in one part, and admission need not ask for it.
            {"ChecksumAlgorithm": "SHA256", "Metadata": {_SUM: package.sha256}},
            [Told()],
        )

    def _end(self, package: LocalPackage, future: Any) -> None:
        from debpress.adapters import aws  # noqa: PLC0415 (see connection)

        uri = f"s3://{self.store.bucket}/{self.batch.staging}{package.name}"
        try:
            with aws.translated(f"upload {package.path} to {uri}", _MAY_WRITE):
                future.result()
        except OSError as error:
            raise StoreError(f"{package.path} can't be read: {error.strerror}.") from error
        self.lacking.remove(package)
        if self.several:
            self._progress.say(f"  {text.printable(package.name)} ({text.amount(package.size)})")


def _staged(store: S3Store, batch: Batch, packages: Sequence[LocalPackage]) -> set[str]:
    """The names of the packages that are in staging with the same bytes, as far as that is told."""
    listed = allowed(lambda: {head.key: head for head in store.list(batch.staging)})

    def there(package: LocalPackage) -> bool:
        key = batch.staging + package.name
        found = (listed or {}).get(key)
        if listed is not None and (found is None or found.size != package.size):
            return False
        if found is not None and told(lambda: found.etag == _etag(package)):
            return True
        # Where a key of KMS encrypts the bucket an ETag tells nothing. CI's role may list what is
        # staged, and not read it.
        head = allowed(lambda: store.head(key))
        if head is None or head.size != package.size:
            return False
        return package.sha256 in (head.sha256, head.metadata.get(_SUM))

    found = zip(packages, side_by_side(there, packages), strict=True)
    names = {package.name for package, is_there in found if is_there}
    for name in sorted(names):
        print(f"  {text.printable(name)} (there already)", file=sys.stderr)
    return names


def allowed(look: Callable[[], _T]) -> _T | None:
    """What is found; None where S3 does not let us look, or not now."""
    from debpress.adapters import aws  # noqa: PLC0415 (see connection)

    try:
        return look()
    except TransientError:
        return None
    except StoreError as error:
        if aws.refused(error):
            return None
        raise


def _etag(package: LocalPackage) -> str:
    """What S3 gives a file that `_Sending` has sent: its MD5, or that of its parts' MD5s (S3 user
    guide, "Using Content-MD5 and the ETag to verify uploaded objects")."""

    def md5(data: bytes) -> hashlib._Hash:
        return hashlib.md5(data, usedforsecurity=False)

    with package.path.open("rb") as file:
        if package.size < PART:
            return md5(file.read()).hexdigest()
        parts = [md5(part).digest() for part in iter(lambda: file.read(PART), b"")]
    return f"{md5(b''.join(parts)).hexdigest()}-{len(parts)}"


# Bytes. S3 charges by the part; several of a large package still go side by side.
PART = 64 * 1024 * 1024

_JSON = ObjectHeaders("application/json")
_TEXT = ObjectHeaders("text/plain; charset=utf-8")
_MAY_WRITE = (
    "--suite, --component and, where there are uploaders, --uploader: a role may write to its own "
    "places alone (s3:PutObject)"
)
