"""Where deleted objects can be had from, on boto3: their earlier versions, or another bucket."""

from __future__ import annotations

from typing import Any

from debpress.adapters import aws
from debpress.adapters.copier import BucketCopier
from debpress.adapters.s3 import S3Store
from debpress.store import Object


class Versions:
    """A `debpress.archive.restoration.History`: the bucket's own earlier versions.

    IAM: s3:ListBucketVersions on the bucket; s3:GetObjectVersion, s3:PutObject on the keys.
    """

    def __init__(self, client: Any, store: S3Store) -> None:
        self._client = client
        self._store = store

    def versions(self, key: str) -> list[str]:
        found: list[Any] = []
        what = f"list the versions of s3://{self._store.bucket}/{key}"
        with aws.translated(what, "s3:ListBucketVersions on the bucket"):
            pages = self._client.get_paginator("list_object_versions").paginate(
                Bucket=self._store.bucket, Prefix=key
            )
            for page in pages:
                found += [each for each in page.get("Versions", ()) if each["Key"] == key]
        # S3 lists the versions of a key from the newest on, and delete markers apart.
        return [str(each["VersionId"]) for each in found]

    def read(self, key: str, version: str) -> Object | None:
        return self._store.get(key, version)

    def revive(self, key: str, version: str) -> None:
        bucket = self._store.bucket
        what = f"bring back s3://{bucket}/{key}"
        with aws.translated(what, _GUARDED):
            self._client.copy_object(
                Bucket=bucket,
                Key=key,
                CopySource={"Bucket": bucket, "Key": key, "VersionId": version},
                TaggingDirective="REPLACE",
                ChecksumAlgorithm="SHA256",
            )


class OtherBucket:
    """A `debpress.archive.restoration.History`: a replica's objects, under the same keys.

    IAM: s3:GetObject on the replica; s3:PutObject on the keys.
    """

    def __init__(self, client: Any, replica: S3Store, bucket: str) -> None:
        self._replica = replica
        self._copier = BucketCopier(client, replica.bucket, bucket)

    def versions(self, key: str) -> list[str]:
        head = self._replica.head(key)
        return [head.version_id or ""] if head else []

    def read(self, key: str, version: str) -> Object | None:
        return self._replica.get(key)

    def revive(self, key: str, version: str) -> None:
        self._copier.copy(key)


_GUARDED = (
    "that you have s3:PutObject on it, and that the bucket's policy does not keep you from it: see "
    "docs/runbook.md#somebody-deleted-the-pool"
)
