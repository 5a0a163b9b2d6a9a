"""Waits for the result of a batch that was uploaded."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from debpress import codec
from debpress.clock import Clock
from debpress.commands.sending import allowed
from debpress.errors import CorruptError, DebpressError, StoreError, TransientError
from debpress.layout import Batch
from debpress.records.result import Result
from debpress.store import Head, Object

if TYPE_CHECKING:
    from debpress.adapters.s3 import S3Store

# Seconds between two looks, which get longer: a result comes within a few seconds, or in a busy
# suite within a minute.
FIRST_DELAY = 0.5
LAST_DELAY = 10.0


def new_id(clock: Clock) -> str:
    """A new batch's name. Names sort by time, and have a random part for two in one second."""
    return f"{clock.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def wait(store: S3Store, batch: Batch, manifest: Head, clock: Clock, timeout: float) -> Result:
    """Waits for the result of exactly this upload of the manifest.

    A result that an earlier upload of the same name has left is ignored. Raises DebpressError where
    a later one has put its manifest in place of this, which is then answered no more; and
    TransientError after `timeout` seconds without a result.

    IAM: s3:GetObject on the result; to tell of a later upload, s3:ListBucket for the manifest.
    """
    from debpress.adapters import aws  # noqa: PLC0415 (see connection)

    begun, delay, refused, others = clock.now(), FIRST_DELAY, False, ""
    while True:
        try:
            found, refused = store.get(batch.result), False
        except TransientError:
            found = None
        except StoreError as error:
            # CI has no s3:ListBucket. Without it S3 answers 403 also for an object that is absent,
            # so this may mean that the result is not written yet.
            if not aws.refused(error):
                raise
            found, refused = None, True
        result = None if found is None else _parse(found)
        if result is not None and _answers(result, manifest):
            return result
        if found is not None and found.head.etag != others:
            # Each result is weighed once. It was written after the manifest that it answers, so if
            # that is a later one than ours, the listing has it.
            others = found.head.etag
            if _replaced(store, manifest):
                raise DebpressError(_taken(store, batch))
        left = timeout - (clock.now() - begun).total_seconds()
        if left <= 0:
            raise TransientError(_late(store, batch, timeout, refused=refused, others=bool(others)))
        clock.sleep(min(delay, left))
        delay = min(delay * 1.5, LAST_DELAY)


def sent(batch: Batch, manifest: Head) -> dict[str, Any]:
    """The batch, its manifest, and the key of the result, for callers that do not wait."""
    return {
        "batch": codec.encode(batch),
        "manifest": {
            "key": manifest.key,
            "etag": manifest.etag,
            "version_id": manifest.version_id,
        },
        "result": batch.result,
    }


def _answers(result: Result, manifest: Head) -> bool:
    said = result.manifest
    if said.etag.strip('"') != manifest.etag:
        return False
    return None in (said.version_id, manifest.version_id) or said.version_id == manifest.version_id


def _replaced(store: S3Store, manifest: Head) -> bool:
    """Whether the manifest is another upload's by now; False where that can't be seen."""
    key = manifest.key
    there = allowed(lambda: next((each for each in store.list(key) if each.key == key), None))
    return there is not None and there.etag != manifest.etag


def _parse(found: Object) -> Result:
    try:
        return codec.decode(Result, json.loads(found.body))
    except (ValueError, CorruptError) as error:
        raise CorruptError(
            f"{found.head.key} is not a result ({error}): tell who runs the repository"
        ) from error


def _taken(store: S3Store, batch: Batch) -> str:
    return (
        f"Another upload used this batch name, {batch.id}: s3://{store.bucket}/{batch.result} "
        "answers it, and not this one, which may not have been published. Upload this again with "
        "another --batch, which is harmless; a name is for one job alone."
    )


def _late(store: S3Store, batch: Batch, timeout: float, *, refused: bool, others: bool) -> str:
    message = (
        f"No result after {timeout:g} s. The batch may still be published: wait for "
        f"s3://{store.bucket}/{batch.result}, or upload it again, which is harmless. If none "
        "comes, `debpress status` tells whoever runs the repository what waits."
    )
    if others:
        message += (
            " The result that is there answers another upload by this name, be it an earlier one."
        )
    if refused:
        message += (
            " S3 refused to show the result, as it does while there is none: if it stays so, check "
            f"that the role has s3:GetObject on {batch.result}."
        )
    return message
