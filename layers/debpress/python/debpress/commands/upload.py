"""`debpress upload`: sends a batch to staging, its manifest last, and waits for the result.

IAM: s3:PutObject and s3:AbortMultipartUpload on the batch's staging prefix, s3:GetObject on its
results prefix; nothing else. docs/ci.md is the page for who writes a CI job.
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError

from debpress import layout
from debpress.adapters import aws
from debpress.adapters.s3 import S3Store
from debpress.clock import Clock
from debpress.commands import connection, text
from debpress.commands.packages import Package, examine
from debpress.commands.progress import Progress
from debpress.errors import CorruptError, StoreError, TransientError
from debpress.store import Head, Object, Served

# The first results come within a few seconds; a busy suite may take a minute.
FIRST_DELAY = 0.5
LAST_DELAY = 10.0


def register(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "upload",
        help="publish .deb files as one batch",
        description="Uploads .deb files as one batch, which is published whole or not at all, "
        "and waits until apt can see it.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="DEB")
    parser.add_argument("--suite", required=True, type=_fits(layout.SUITE))
    parser.add_argument("--component", default="main", type=_fits(layout.COMPONENT))
    parser.add_argument(
        "--batch",
        type=_fits(layout.BATCH),
        help="the batch's name (default: the time and a random part)",
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=600.0,
        metavar="SECONDS",
        help="how long to wait for the result (default: 600)",
    )
    parser.add_argument("--no-wait", action="store_true", help="do not wait for the result")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    connection.add_arguments(parser)
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    packages, refusals = examine(arguments.files)
    if refusals:
        text.print_errors([refusal.as_json() for refusal in refusals])
        return 1
    client, store = connection.connect(arguments)
    batch = layout.Batch(arguments.suite, arguments.component, arguments.batch or _new_id(clock))
    manifest = send(client, store, batch, packages)
    print(
        f"Uploaded {len(packages)} file(s) to s3://{store.bucket}/{batch.staging}", file=sys.stderr
    )
    if arguments.no_wait:
        _print_sent(batch, manifest, as_json=arguments.json)
        return 0
    result = wait(store, batch, manifest, clock, arguments.timeout)
    if arguments.json:
        print(json.dumps(result, indent=2))
    else:
        text.print_result(result)
    return 0 if result.get("status") == "published" else 1


def send(
    client: Any, store: S3Store, batch: layout.Batch, packages: Sequence[Package]
) -> Head:
    """Uploads the files, then the manifest that starts the workflow; gives the manifest's Head.

    Raises TransientError or StoreError; what was uploaded until then expires by itself.
    """
    for package in packages:
        key = batch.staging + package.name
        with (
            aws.translated(f"upload {package.path} to s3://{store.bucket}/{key}", _MAY_WRITE),
            Progress(package.name, package.size) as progress,
        ):
            try:
                client.upload_file(str(package.path), store.bucket, key, Callback=progress)
            except S3UploadFailedError as error:
                # boto3 keeps the text alone; the exception it had caught says more.
                cause = error.__context__
                raise cause if isinstance(cause, ClientError) else StoreError(str(error)) from None
            except OSError as error:
                raise StoreError(f"{package.path} can't be read: {error.strerror}") from error
    return store.put(f"{batch.staging}manifest.json", _manifest(packages), _JSON)


def wait(
    store: S3Store, batch: layout.Batch, manifest: Head, clock: Clock, timeout: float
) -> dict[str, Any]:
    """The result of exactly this manifest, once it is there.

    An earlier upload under the same name may have left a result, which is passed over. Raises
    TransientError when `timeout` seconds were not enough.
    """
    begun, delay, refused = clock.now(), FIRST_DELAY, False
    while True:
        try:
            found, refused = store.get(batch.result), False
        except TransientError:
            found = None
        except StoreError as error:
            # Without s3:ListBucket, which CI has no business with, this means "not there yet".
            if not aws.refused(error):
                raise
            found, refused = None, True
        result = None if found is None else _parse(found)
        if result is not None and _answers(result, manifest):
            return result
        left = timeout - (clock.now() - begun).total_seconds()
        if left <= 0:
            raise TransientError(_late(store, batch, timeout, refused=refused))
        clock.sleep(min(delay, left))
        delay = min(delay * 1.5, LAST_DELAY)


def _answers(result: dict[str, Any], manifest: Head) -> bool:
    said = result.get("manifest") or {}
    if str(said.get("etag")).strip('"') != manifest.etag:
        return False
    versions = (said.get("version_id"), manifest.version_id)
    return None in versions or versions[0] == versions[1]


def _parse(found: Object) -> dict[str, Any]:
    try:
        result = json.loads(found.body)
    except ValueError:
        result = None
    if not isinstance(result, dict):
        raise CorruptError(f"{found.head.key} is not a result: tell who runs the repository")
    return result


def _manifest(packages: Sequence[Package]) -> bytes:
    files = [{"name": p.name, "sha256": p.sha256, "size": p.size} for p in packages]
    return json.dumps({"version": 1, "files": files}, indent=1).encode()


def _late(store: S3Store, batch: layout.Batch, timeout: float, *, refused: bool) -> str:
    message = (
        f"No result after {timeout:g} s. The batch may still be published: wait for "
        f"s3://{store.bucket}/{batch.result}, or upload it again, which is harmless."
    )
    if refused:
        message += (
            " S3 refused to show the result, as it does while there is none: if it stays so, check "
            f"that the role has s3:GetObject on {batch.result}."
        )
    return message


def _print_sent(batch: layout.Batch, manifest: Head, *, as_json: bool) -> None:
    if as_json:
        sent = {
            "batch": batch.as_json(),
            "manifest": {
                "key": manifest.key,
                "etag": manifest.etag,
                "version_id": manifest.version_id,
            },
            "result": batch.result,
        }
        print(json.dumps(sent, indent=2))
    else:
        print(batch.result)


def _new_id(clock: Clock) -> str:
    """Sorts by time, and two jobs of one second differ."""
    return f"{clock.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def _fits(form: re.Pattern[str]) -> Any:
    def check(value: str) -> str:
        if not form.fullmatch(value):
            raise argparse.ArgumentTypeError(f"{value!r} does not fit {form.pattern}")
        return value

    return check


def _seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 10**6:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number of seconds")
    return seconds


_JSON = Served("application/json")
_MAY_WRITE = "that the role has s3:PutObject on it"
