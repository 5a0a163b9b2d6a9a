"""Copies between two buckets, on boto3."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from debpress.adapters import aws
from debpress.store import ObjectChanged


class BucketCopier:
    """Copies objects of at most 5 GB under the same key.

    `client` is of the target's Region: S3 copies on behalf of who receives (S3 API reference,
    "CopyObject"). IAM: s3:GetObject on the source, s3:PutObject on the target.
    """

    def __init__(self, client: Any, source: str, target: str) -> None:
        self._client = client
        self._source = source
        self._target = target

    def copy(self, key: str) -> None:
        what = f"copy s3://{self._source}/{key} to s3://{self._target}"
        with aws.translated(what, "that the role may read the one and write the other"):
            try:
                self._client.copy_object(
                    Bucket=self._target,
                    Key=key,
                    CopySource={"Bucket": self._source, "Key": key},
                    MetadataDirective="COPY",
                    # Without the uploader's tags: to copy these would need more permissions.
                    TaggingDirective="REPLACE",
                    ChecksumAlgorithm="SHA256",
                )
            except ClientError as error:
                if aws.code(error) in ("404", "NoSuchKey"):
                    raise ObjectChanged(key) from error
                raise
