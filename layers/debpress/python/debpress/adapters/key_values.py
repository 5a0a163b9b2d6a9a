"""The port of read credentials to CloudFront's key-value stores.

Calls are signed by Signature Version 4A, for the stores are of no one Region; botocore does that
with AWS's C library alone, which the extra `tokens` of the wheel brings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from botocore.exceptions import ClientError, MissingDependencyException

from debpress.adapters import aws
from debpress.errors import DebpressError

_T = TypeVar("_T")

_CHANGED = frozenset({"ConflictException", "PreconditionFailed"})


class CloudFrontKeyValues:
    """A `debpress.tokens.KeyValues`; `arn` is the store's. IAM, all on it:
    cloudfront-keyvaluestore: DescribeKeyValueStore, GetKey, ListKeys, PutKey, DeleteKey."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self._arn = arn

    def version(self) -> str:
        call = self._client.describe_key_value_store
        return str(self._call("DescribeKeyValueStore", call)["ETag"])

    def get(self, key: str) -> str | None:
        try:
            return str(self._call("GetKey", self._client.get_key, Key=key)["Value"])
        except DebpressError as error:
            # The store itself was there when its version was asked for.
            if aws.answer(error) == "ResourceNotFoundException":
                return None
            raise

    def put(self, key: str, value: str, version: str) -> bool:
        named = {"Key": key, "Value": value, "IfMatch": version}
        return self._change("PutKey", self._client.put_key, **named)

    def delete(self, key: str, version: str) -> bool:
        return self._change("DeleteKey", self._client.delete_key, Key=key, IfMatch=version)

    def items(self) -> Iterator[tuple[str, str]]:
        more: dict[str, str] = {}
        while True:
            page = self._call("ListKeys", self._client.list_keys, MaxResults=50, **more)
            yield from ((each["Key"], each["Value"]) for each in page.get("Items", ()))
            if not page.get("NextToken"):
                return
            more = {"NextToken": page["NextToken"]}

    def _change(self, action: str, call: Callable[..., Any], **named: str) -> bool:
        try:
            self._call(action, call, **named)
        except DebpressError as error:
            cause = error.__cause__
            if isinstance(cause, ClientError) and (
                aws.code(cause) in _CHANGED or aws.status(cause) == 412
            ):
                return False
            raise
        return True

    def _call(self, action: str, call: Callable[..., _T], **named: Any) -> _T:
        permission = f"cloudfront-keyvaluestore:{action}"
        with aws.translated(f"use the store of tokens {self._arn}", permission):
            try:
                return call(KvsARN=self._arn, **named)
            except MissingDependencyException as error:
                raise DebpressError(
                    "CloudFront's key-value stores take another signature than the rest of AWS, "
                    "which needs a library more: pip install 'botocore[crt]'"
                ) from error
