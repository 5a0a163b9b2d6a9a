"""An upload of a manifest, as its event describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from debpress.store import Head


@dataclass(frozen=True, slots=True)
class Upload:
    """The upload of a manifest, as the event describes it. `size` is in bytes."""

    key: str
    etag: str
    version_id: str | None
    size: int | None = None

    @classmethod
    def of_event(cls, event: Mapping[str, Any]) -> Upload:
        """From EventBridge's `Object Created` (S3 user guide, "EventBridge event message")."""
        found = event["detail"]["object"]
        return cls(found["key"], found.get("etag", ""), found.get("version-id"), found.get("size"))

    def is_of(self, head: Head) -> bool:
        """Whether the object in the store is this upload's. Events need not have a version id."""
        return self.etag == head.etag and self.version_id in (None, head.version_id)
