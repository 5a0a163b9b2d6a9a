"""The store port on S3.

ETags are kept without quotes, as EventBridge's events have them, and sent to S3 with quotes.
IAM: s3:GetObject, s3:GetObjectVersion, s3:PutObject, s3:DeleteObject, s3:DeleteObjectVersion on
the keys, and s3:ListBucket, without which S3 answers 403 for a missing key and not 404.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO

from botocore.exceptions import ClientError

from debpress.adapters import aws
from debpress.errors import StoreError, TransientError
from debpress.store import (
    Copied,
    File,
    Head,
    Immutable,
    Object,
    ObjectChanged,
    ObjectHeaders,
    Pin,
    PreconditionFailed,
)

PIECE = 1 << 20

# S3 copies five gigabytes in one call, and may say nothing until it has: 25 MB a second are waited
# for. The functions that copy have the same in their environment (stacks/functions.py).
COPYING_SECONDS = 200

# How often in a row a read is resumed that broke off without a single new byte.
RESUMES = 3

# The error codes of an absent object. A version that is a delete marker gives 405; for a HEAD the
# code is only the status.
_MISSING = frozenset({"404", "NoSuchKey", "NoSuchVersion", "405", "MethodNotAllowed"})


def client(
    *,
    region: str | None = None,
    endpoint_url: str | None = None,
    connections: int = 32,
    silence: int | None = None,
) -> Any:
    """An S3 client with our time-outs, retries and pool; `silence` is for how many seconds S3 may
    say nothing, as it does while it copies."""
    return aws.client(
        "s3",
        region=region,
        endpoint_url=endpoint_url,
        connections=connections,
        read_seconds=silence,
    )


class S3Store:
    """One bucket as a `debpress.store.Store`. Threads may share it."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self.bucket = bucket

    def head(self, key: str) -> Head | None:
        with aws.translated(f"look at {self._uri(key)}", _READ):
            try:
                answer = self._client.head_object(
                    Bucket=self.bucket, Key=key, ChecksumMode="ENABLED"
                )
            except ClientError as error:
                if aws.code(error) in _MISSING:
                    return None
                raise
        return _head(key, answer)

    def get(
        self, key: str, version_id: str | None = None, *, if_match: str | None = None
    ) -> Object | None:
        condition = {} if if_match is None else {"IfMatch": _quoted(if_match)}
        for left in reversed(range(RESUMES)):
            with aws.translated(f"read {self._uri(key)}", _READ):
                try:
                    answer = self._client.get_object(
                        Bucket=self.bucket,
                        Key=key,
                        ChecksumMode="ENABLED",
                        **_version(version_id),
                        **condition,
                    )
                except ClientError as error:
                    if aws.code(error) in _MISSING:
                        return None
                    if condition and aws.status(error) == 412:
                        raise ObjectChanged(key) from error
                    raise
                try:
                    with closing(answer["Body"]) as body:
                        return Object(_head(key, answer), body.read())
                except aws.DROPPED:
                    if not left:
                        raise
        raise AssertionError("the last attempt returns or raises")

    def read(self, key: str) -> tuple[Head, Iterator[bytes]] | None:
        with aws.translated(f"read {self._uri(key)}", _READ):
            try:
                answer = self._client.get_object(Bucket=self.bucket, Key=key)
            except ClientError as error:
                if aws.code(error) in _MISSING:
                    return None
                raise
        head = _head(key, answer)
        return head, self._resumed(Pin(key, head.etag), answer["Body"])

    def _resumed(self, pin: Pin, body: Any) -> Iterator[bytes]:
        """An answer's body; where it breaks off, the rest of it by `stream`."""
        position = 0
        try:
            with closing(body):
                while piece := body.read(PIECE):
                    position += len(piece)
                    yield piece
            return
        except aws.DROPPED:
            pass
        yield from self.stream(pin, position)

    def stream(self, pin: Pin, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        position, end = start, None if length is None else start + length
        stalls = 0
        while end is None or position < end:
            answer = self._range(pin, position, end)
            if answer is None:
                return
            # A server may ignore Range and send everything (RFC 9110, 14.2), as emulators do.
            skip = 0 if "ContentRange" in answer else position
            last = position + int(answer["ContentLength"]) - skip
            end = last if end is None else min(end, last)
            try:
                with closing(answer["Body"]) as body:
                    for piece in _window(body, skip, end - position):
                        position += len(piece)
                        stalls = 0
                        yield piece
                return
            except aws.DROPPED as error:
                stalls += 1
                if stalls > RESUMES:
                    raise TransientError(
                        f"Reading {self._uri(pin.key)} stopped at byte {position}: {error}. "
                        "Try again."
                    ) from error

    def put(
        self,
        key: str,
        body: bytes,
        headers: ObjectHeaders = ObjectHeaders(),  # noqa: B008 (frozen)
        *,
        if_match: str | None = None,
        if_absent: bool = False,
    ) -> Head:
        conditions: dict[str, str] = {}
        if if_match is not None:
            conditions["IfMatch"] = _quoted(if_match)
        if if_absent:
            conditions["IfNoneMatch"] = "*"
        sha256 = hashlib.sha256(body).hexdigest()
        with aws.translated(f"write {self._uri(key)}", _WRITE):
            try:
                answer = self._put(key, body, sha256, **conditions, **_headers(headers))
            except ClientError as error:
                if conditions and _lost(error, if_match):
                    raise self._race(key, error) from error
                raise
        at = _served_at(answer)
        return Head(
            key=key,
            etag=_bare(answer["ETag"]),
            size=len(body),
            last_modified=at or datetime.now(UTC),
            version_id=answer.get("VersionId"),
            sha256=sha256,
            metadata={name.lower(): value for name, value in headers.metadata.items()},
            served_at=at,
        )

    def put_file(self, key: str, file: File, headers: ObjectHeaders = ObjectHeaders()) -> None:  # noqa: B008
        with aws.translated(f"write {self._uri(key)}", _WRITE):
            self._put(key, file.open(), file.sha256, **_headers(headers))

    def _put(self, key: str, body: bytes | BinaryIO, sha256: str, **more: Any) -> Any:
        return self._client.put_object(
            Bucket=self.bucket,
            Key=key,
            Body=body,
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=base64.b64encode(bytes.fromhex(sha256)).decode(),
            **more,
        )

    def copy(
        self,
        source: Pin | Immutable,
        key: str,
        headers: ObjectHeaders = ObjectHeaders(),  # noqa: B008 (frozen)
        *,
        if_absent: bool = False,
    ) -> Copied:
        with aws.translated(f"copy {self._uri(source.key)} to {self._uri(key)}", _COPY):
            try:
                answer = self._client.copy_object(
                    Bucket=self.bucket,
                    Key=key,
                    **self._source(source),
                    MetadataDirective="REPLACE",
                    # Without the uploader's tags: to copy these would need more permissions.
                    TaggingDirective="REPLACE",
                    # Of a multipart upload S3 has only a checksum of the parts' checksums. This
                    # makes it compute that of the whole object.
                    ChecksumAlgorithm="SHA256",
                    **({"IfNoneMatch": "*"} if if_absent else {}),
                    **_headers(headers),
                )
            except ClientError as error:
                # A version never changes: it was nothing about the source that did not hold.
                if if_absent and _lost(error, None):
                    raise PreconditionFailed(key) from error
                if aws.status(error) == 412 or aws.code(error) in _MISSING:
                    raise ObjectChanged(source.key) from error
                raise
        made = answer["CopyObjectResult"]
        return Copied(Pin(key, _bare(made["ETag"]), answer.get("VersionId")), full_sum(made))

    def _source(self, source: Pin | Immutable) -> dict[str, Any]:
        found = {"Bucket": self.bucket, "Key": source.key}
        if isinstance(source, Immutable):
            return {"CopySource": found}
        found |= _version(source.version_id)
        return {"CopySource": found, "CopySourceIfMatch": _quoted(source.etag)}

    def delete(
        self, key: str, version_id: str | None = None, *, if_match: str | None = None
    ) -> None:
        condition = {} if if_match is None else {"IfMatch": _quoted(if_match)}
        with aws.translated(f"delete {self._uri(key)}", _DELETE):
            try:
                self._client.delete_object(
                    Bucket=self.bucket, Key=key, **_version(version_id), **condition
                )
            except ClientError as error:
                if aws.code(error) in _MISSING:
                    return
                if condition and _lost(error, if_match):
                    raise PreconditionFailed(key) from error
                raise

    def now(self, key: str) -> datetime | None:
        with aws.translated(f"look at {self._uri(key)}", _READ):
            try:
                answer = self._client.head_object(Bucket=self.bucket, Key=key)
            except ClientError as error:
                if aws.code(error) not in _MISSING:
                    raise
                answer = error.response
        return _served_at(answer)

    def list(self, prefix: str) -> Iterator[Head]:
        token: dict[str, str] = {}
        while True:
            with aws.translated(f"list {self._uri(prefix)}", "s3:ListBucket on the bucket"):
                page = self._client.list_objects_v2(Bucket=self.bucket, Prefix=prefix, **token)
            at = _served_at(page)
            for entry in page.get("Contents", ()):
                yield Head(
                    key=entry["Key"],
                    etag=_bare(entry["ETag"]),
                    size=entry["Size"],
                    last_modified=entry["LastModified"],
                    served_at=at,
                )
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def _range(self, pin: Pin, start: int, end: int | None) -> Any:
        """The answer to one ranged read of a pin; None when it starts at or after the end."""
        window: dict[str, str] = {}
        if start or end is not None:
            window["Range"] = f"bytes={start}-{'' if end is None else end - 1}"
        with aws.translated(f"read {self._uri(pin.key)}", _READ):
            try:
                return self._client.get_object(
                    Bucket=self.bucket,
                    Key=pin.key,
                    IfMatch=_quoted(pin.etag),
                    **_version(pin.version_id),
                    **window,
                )
            except ClientError as error:
                if aws.status(error) == 412 or aws.code(error) in _MISSING:
                    raise ObjectChanged(pin.key) from error
                if aws.status(error) == 416:
                    return None
                raise

    def _race(self, key: str, error: ClientError) -> Exception:
        """PreconditionFailed; but TransientError where botocore has sent the write more than once,
        since the write that won may be its own first attempt."""
        if error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0):
            return TransientError(
                f"Nobody can say whether {self._uri(key)} was written: the first attempt got no "
                "answer. Do the step again."
            )
        return PreconditionFailed(key)

    def _uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"


_READ = (
    "that the role has s3:GetObject (s3:GetObjectVersion for a version) on it, and s3:ListBucket "
    "on the bucket, without which a missing key is refused too"
)
_WRITE = "that the role has s3:PutObject on it"
_COPY = "that the role has s3:GetObject on the source and s3:PutObject on the target"
_DELETE = (
    "that the role has s3:DeleteObject (s3:DeleteObjectVersion for a version) on it; with a "
    "condition s3:GetObject, too"
)


def _lost(error: ClientError, if_match: str | None) -> bool:
    """Whether another writer came first: S3 answers 412 or 409 to a conditional write if the object
    was written meanwhile, and 404 if it was deleted (S3 user guide, "conditional writes"). The 409
    OperationAborted is about the bucket, not the object, and is tried again instead."""
    if aws.status(error) == 409:
        return aws.code(error) != "OperationAborted"
    return aws.status(error) == 412 or (if_match is not None and aws.code(error) == "NoSuchKey")


def _head(key: str, answer: Mapping[str, Any]) -> Head:
    return Head(
        key=key,
        etag=_bare(answer["ETag"]),
        size=int(answer["ContentLength"]),
        last_modified=answer["LastModified"],
        version_id=answer.get("VersionId"),
        sha256=full_sum(answer),
        metadata=answer.get("Metadata", {}),
        served_at=_served_at(answer),
    )


def full_sum(answer: Mapping[str, Any]) -> str | None:
    """S3's SHA-256 of the whole object, in hex. None for a COMPOSITE checksum, which is one of the
    parts' checksums, and has their number behind it whatever its type is said to be (S3 user guide,
    "Checking object integrity": `<checksum>-<parts>`)."""
    encoded = answer.get("ChecksumSHA256")
    if encoded is None or answer.get("ChecksumType") != "FULL_OBJECT" or "-" in encoded:
        return None
    try:
        return base64.b64decode(encoded, validate=True).hex()
    except ValueError as error:
        raise StoreError(f"S3 gave a SHA-256 that is no base64: {encoded!r}") from error


def _window(body: Any, skip: int, size: int) -> Iterator[bytes]:
    """The `size` bytes of a body after the first `skip`, in pieces. Where they reach to the body's
    end, the end is read, too: only there botocore checks the body's checksum and length."""
    while piece := body.read(PIECE):
        if skip >= len(piece):
            skip -= len(piece)
            continue
        wanted = piece[skip : skip + size]
        skip, size = 0, size - len(wanted)
        if not wanted:
            return
        yield wanted


def _served_at(answer: Mapping[str, Any]) -> datetime | None:
    text = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    return None if text is None else parsedate_to_datetime(text).astimezone(UTC)


def _headers(headers: ObjectHeaders) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "ContentType": headers.content_type,
        "Metadata": dict(headers.metadata),
    }
    if headers.cache_control is not None:
        arguments["CacheControl"] = headers.cache_control
    return arguments


def _version(version_id: str | None) -> dict[str, str]:
    return {} if version_id is None else {"VersionId": version_id}


def _bare(etag: str) -> str:
    return etag.strip('"')


def _quoted(etag: str) -> str:
    return f'"{_bare(etag)}"'
