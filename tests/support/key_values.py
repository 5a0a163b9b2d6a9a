"""CloudFront's key-value store behind a client of botocore's, which checks each call by AWS's own
model of it. No emulator here is asked: the client's address has the account in its host's name."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import botocore.session
from botocore.config import Config

ARN = "arn:aws:cloudfront::111122223333:key-value-store/01234567-89ab-cdef-0123-456789abcdef"
_STALE = (409, "ConflictException")
_ABSENT = (404, "ResourceNotFoundException")


@cache
def _session() -> Any:
    """With what it has read of AWS's models, which takes longer than all else here."""
    return botocore.session.Session()


class KeyValueService:
    """`items` are what is stored; `before` is called with the operation's name before each change,
    so that a test lets another one in there."""

    def __init__(self) -> None:
        self.items: dict[str, str] = {}
        self.etag = 1
        self.before: Callable[[str], None] = lambda _: None
        self.calls: list[str] = []

    def client(self) -> Any:
        """It signs by the usual signature: the one that AWS wants takes a library that the tests
        have not (`test_without_the_library_it_is_said_how_to_get_it`)."""
        made = _session().create_client(
            "cloudfront-keyvaluestore",
            region_name="us-east-1",
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            config=Config(signature_version="v4"),
        )
        made.meta.events.register("before-call.cloudfront-keyvaluestore", self._answer)
        return made

    def change(self, **items: str | None) -> None:
        """Somebody else's change."""
        for key, value in items.items():
            self._set(key, value)

    def _answer(self, model: Any, params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        self.calls.append(model.name)
        _, _, store, *key = params["url_path"].split("/")
        assert unquote(store) == ARN
        query, headers = params["query_string"], params["headers"]
        status, found = self._act(
            model.name,
            unquote(key[1]) if len(key) > 1 else "",
            (headers.get("If-Match"), json.loads(params["body"] or b"{}").get("Value")),
            (int(query.get("MaxResults", 10)), query.get("NextToken", "")),
        )
        found |= {"ResponseMetadata": {"HTTPStatusCode": status}, "ETag": str(self.etag)}
        return SimpleNamespace(status_code=status), found

    def _act(
        self, name: str, key: str, change: tuple[str | None, str | None], page: tuple[int, str]
    ) -> tuple[int, dict[str, Any]]:
        if name in ("PutKey", "DeleteKey"):
            self.before(name)
            if change[0] != str(self.etag):
                return _error(*_STALE)
        if name in ("GetKey", "DeleteKey") and key not in self.items:
            return _error(*_ABSENT)
        match name:
            case "PutKey" | "DeleteKey":
                self._set(key, change[1])
            case "GetKey":
                return 200, {"Key": key, "Value": self.items[key]}
            case "ListKeys":
                most, after = page
                left = [k for k in sorted(self.items) if k > after]
                listed = [{"Key": k, "Value": self.items[k]} for k in left[:most]]
                more = {"NextToken": left[most - 1]} if len(left) > most else {}
                return 200, {"Items": listed, **more}
        return 200, {}

    def _set(self, key: str, value: str | None) -> None:
        self.etag += 1
        if value is None:
            self.items.pop(key, None)
        else:
            self.items[key] = value


def _error(status: int, code: str) -> tuple[int, dict[str, Any]]:
    return status, {"Error": {"Code": code, "Message": "no"}}
