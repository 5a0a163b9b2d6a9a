"""Uploads to a deployed stack without a process for each: hundreds of them, or at one moment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from debpress.archive.headers import GENERATION
from debpress.layout import Batch

from local.ci import Ci
from local.stack import Stack

SECONDS = 240.0


@dataclass
class Uploads:
    """Batches are staged by `put`, started by `send`, and answered by `result`."""

    stack: Stack
    ci: Ci
    _manifests: dict[Batch, bytes] = field(default_factory=dict)
    _etags: dict[Batch, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.s3 = self.stack.client("s3")
        self.bucket = self.stack.outputs.bucket

    def put(self, batch: Batch, debs: Mapping[str, bytes]) -> Batch:
        """Uploads the files of a batch, by name, and not its manifest."""
        for name, body in debs.items():
            self.s3.put_object(Bucket=self.bucket, Key=batch.staging + name, Body=body)
        listed = [
            {"name": name, "sha256": hashlib.sha256(body).hexdigest()}
            for name, body in debs.items()
        ]
        self._manifests[batch] = json.dumps({"version": 1, "files": listed}).encode()
        return batch

    def send(self, batch: Batch) -> None:
        """Uploads the manifest, which starts the workflow."""
        key = f"{batch.staging}manifest.json"
        done = self.s3.put_object(Bucket=self.bucket, Key=key, Body=self._manifests[batch])
        self._etags[batch] = done["ETag"].strip('"')

    def result(self, batch: Batch, seconds: float = SECONDS) -> dict[str, Any]:
        """Waits for the result of what was sent."""
        etag = self._etags[batch]
        return self.ci.wait(batch.suite, batch.component, batch.id, etag, seconds)

    def publish(self, batch: Batch, debs: Mapping[str, bytes]) -> dict[str, Any]:
        """All three. Raises AssertionError, with the result, when it is not published."""
        self.send(self.put(batch, debs))
        result = self.result(batch)
        assert result["status"] == "published", result
        return result

    def generation(self, suite: str) -> int:
        """The number of the generation that hosts see."""
        key = f"{self.stack.outputs.root}/dists/{suite}/InRelease"
        head = self.s3.head_object(Bucket=self.bucket, Key=key)
        return int(head["Metadata"][GENERATION].partition("-")[0])
