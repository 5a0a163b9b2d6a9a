"""The reaper on an emulated bucket, as if it came an hour later: nobody can wait for that there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from debpress.adapters.s3 import S3Store
from debpress.archive.configuration import read_configuration
from debpress.clock import SystemClock
from debpress.steps import reap
from debpress.steps.services import Services
from debpress.store import Object

from local.stack import Stack

_LATER = timedelta(hours=1)


class _Later(S3Store):
    """Says with each object that it is an hour later than it is."""

    def get(
        self, key: str, version_id: str | None = None, *, if_match: str | None = None
    ) -> Object | None:
        found = super().get(key, version_id, if_match=if_match)
        if found is None or found.head.served_at is None:
            return found
        return replace(found, head=replace(found.head, served_at=found.head.served_at + _LATER))


def reap_later(stack: Stack, client: Any) -> None:
    """Reaps with the rights of an S3 client."""
    bucket = stack.outputs.bucket
    repository = read_configuration(S3Store(stack.client("s3"), bucket))
    reap.run(Services(_Later(client, bucket), repository, SystemClock()))
