"""S3 as moto simulates it in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from debpress.adapters import s3
from moto import mock_aws

REGION = "eu-central-1"


def credentials(patch: pytest.MonkeyPatch) -> None:
    """Nobody's; and whatever led elsewhere is gone."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        patch.delenv(name, raising=False)
    patch.setenv("AWS_ACCESS_KEY_ID", "testing")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


@contextmanager
def versioned(bucket: str, patch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The adapter's client, and a versioned bucket of this name."""
    credentials(patch)
    with mock_aws():
        client = s3.client(region=REGION)
        client.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        yield client
