"""`debpress upload`: sends a batch to staging, its manifest last, and waits for the result.

IAM: s3:PutObject and s3:AbortMultipartUpload on the batch's staging prefix, s3:GetObject on its
results prefix; nothing else. docs/ci.md is the page for who writes a CI job.
"""

from __future__ import annotations

import argparse
import json
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
from debpress.commands import arguments as args
from debpress.commands import connection, text, waiting
from debpress.commands.packages import Package, examine
from debpress.commands.progress import Progress
from debpress.errors import StoreError
from debpress.store import Head, ObjectHeaders


def register(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "upload",
        help="publish .deb files as one batch",
        description="Uploads .deb files as one batch, which is published whole or not at all, "
        "and waits until apt can see it.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="DEB")
    parser.add_argument("--suite", required=True, type=args.suite)
    parser.add_argument("--component", default="main", type=args.component)
    parser.add_argument(
        "--batch",
        type=args.fits(layout.BATCH),
        help="the batch's name (default: the time and a random part)",
    )
    args.add_waiting(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    connection.add_arguments(parser)
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    packages, refusals = examine(arguments.files)
    if refusals:
        text.print_errors([refusal.as_json() for refusal in refusals])
        return 1
    client, store = connection.connect(arguments)
    batch = layout.Batch(
        arguments.suite, arguments.component, arguments.batch or waiting.new_id(clock)
    )
    manifest = send(client, store, batch, packages)
    print(
        f"Uploaded {len(packages)} file(s) to s3://{store.bucket}/{batch.staging}", file=sys.stderr
    )
    if arguments.no_wait:
        sent = waiting.sent(batch, manifest)
        print(json.dumps(sent, indent=2) if arguments.json else batch.result)
        return 0
    result = waiting.wait(store, batch, manifest, clock, arguments.timeout)
    if arguments.json:
        print(json.dumps(result, indent=2))
    else:
        text.print_result(result)
    return 0 if result.get("status") == "published" else 1


def send(client: Any, store: S3Store, batch: layout.Batch, packages: Sequence[Package]) -> Head:
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


def _manifest(packages: Sequence[Package]) -> bytes:
    files = [{"name": p.name, "sha256": p.sha256, "size": p.size} for p in packages]
    return json.dumps({"version": 1, "files": files}, indent=1).encode()


_JSON = ObjectHeaders("application/json")
_MAY_WRITE = "that the role has s3:PutObject on it"
