"""Reads logs of requests: of a bucket, below a prefix of one, or in files of this machine.

IAM: s3:GetBucketLogging on the bucket whose log it is; s3:ListBucket and s3:GetObject on the one
that has the log.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from debpress.adapters import aws, places
from debpress.concurrency import THREADS, side_by_side
from debpress.errors import SourceError

_GZIP = b"\x1f\x8b"


def of_bucket(client: Any, bucket: str) -> str | None:
    """Where the requests to a bucket are logged, as `s3://bucket/prefix`; None where they are
    not."""
    with aws.translated(f"read the logging of s3://{bucket}", "that you have s3:GetBucketLogging"):
        said = client.get_bucket_logging(Bucket=bucket).get("LoggingEnabled")
    return f"s3://{said['TargetBucket']}/{said.get('TargetPrefix', '')}" if said else None


def lines(client: Any, place: str, since: datetime) -> Iterator[str]:
    """The lines of all logs there that were written since then, packed ones too. Raises SourceError
    where nothing can be read."""
    parts = places.split(place)
    if parts.scheme == "s3" and parts.netloc:
        bodies = _of_objects(client, parts.netloc, parts.path.lstrip("/"), since)
    elif "://" in place:
        raise SourceError(f"{parts.scheme}:// can't be read so: say s3://bucket/prefix, or a path")
    else:
        bodies = _of_files(Path(place), since)
    for name, body in bodies:
        yield from _unpacked(name, body).decode("utf-8", "replace").splitlines()


def _of_objects(
    client: Any, bucket: str, prefix: str, since: datetime
) -> Iterator[tuple[str, bytes]]:
    with aws.translated(
        f"read the logs below s3://{bucket}/{prefix}", "that you have s3:ListBucket, s3:GetObject"
    ):
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [
            each["Key"]
            for page in pages
            for each in page.get("Contents", ())
            if each["LastModified"] >= since
        ]

        def read(key: str) -> bytes:
            return bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())

        # S3 writes many small ones.
        for start in range(0, len(keys), 4 * THREADS):
            part = keys[start : start + 4 * THREADS]
            yield from zip(part, side_by_side(read, part), strict=True)


def _of_files(path: Path, since: datetime) -> Iterator[tuple[str, bytes]]:
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and file.stat().st_mtime >= since.timestamp():
                yield str(file), file.read_bytes()
            elif not file.exists():
                raise SourceError(f"{file} is not there; check the path")
    except OSError as error:
        raise SourceError(f"{path} can't be read: {error.strerror}") from error


def _unpacked(name: str, body: bytes) -> bytes:
    if not body.startswith(_GZIP):
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{name} can't be unpacked: {error}") from error
