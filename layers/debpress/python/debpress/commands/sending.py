"""Sends a batch to staging: the packages, then the manifest, which starts the workflow."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from debpress.commands.packages import LocalPackage
from debpress.commands.progress import Progress
from debpress.errors import StoreError
from debpress.layout import Batch
from debpress.store import Head, ObjectHeaders

if TYPE_CHECKING:
    from debpress.adapters.s3 import S3Store


class Listed(Protocol):
    """A file as a manifest lists it: its name in staging, SHA-256 and size in bytes."""

    @property
    def name(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def size(self) -> int: ...


def send(client: Any, store: S3Store, batch: Batch, packages: Sequence[LocalPackage]) -> Head:
    """Uploads the files, then the manifest; returns the manifest's Head.

    Raises TransientError or StoreError; the bucket's lifecycle then deletes the files that were
    uploaded. IAM: s3:PutObject and s3:AbortMultipartUpload on the batch's staging prefix.
    """
    for package in packages:
        _upload(client, store, batch.staging + package.name, package)
    return put_manifest(store, batch, packages)


def put_manifest(store: S3Store, batch: Batch, files: Sequence[Listed]) -> Head:
    """Starts the workflow for files that are staged; returns the manifest's Head."""
    listed = [{"name": each.name, "sha256": each.sha256, "size": each.size} for each in files]
    manifest = json.dumps({"version": 1, "files": listed}, indent=1).encode()
    return store.put(f"{batch.staging}manifest.json", manifest, _JSON)


def _upload(client: Any, store: S3Store, key: str, package: LocalPackage) -> None:
    from boto3.exceptions import S3UploadFailedError  # noqa: PLC0415 (see connection)
    from boto3.s3.transfer import S3Transfer  # noqa: PLC0415
    from botocore.exceptions import ClientError  # noqa: PLC0415

    from debpress.adapters import aws  # noqa: PLC0415

    with (
        aws.translated(f"upload {package.path} to s3://{store.bucket}/{key}", _MAY_WRITE),
        Progress(package.name, package.size) as progress,
        S3Transfer(client) as transfer,
    ):
        try:
            transfer.upload_file(str(package.path), store.bucket, key, progress)
        except S3UploadFailedError as error:
            # boto3's exception has only the other's text; the one it caught has the error code.
            cause = error.__context__
            raise cause if isinstance(cause, ClientError) else StoreError(str(error)) from None
        except OSError as error:
            raise StoreError(f"{package.path} can't be read: {error.strerror}") from error


_JSON = ObjectHeaders("application/json")
_MAY_WRITE = "that the role has s3:PutObject on it"
