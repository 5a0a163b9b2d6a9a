"""`debpress upload`: sends a batch to staging, its manifest last, and waits for the result.

IAM: s3:PutObject and s3:AbortMultipartUpload on the batch's staging prefix, s3:GetObject on its
results prefix; nothing else. docs/ci.md explains it to authors of CI jobs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from debpress import layout
from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import connection, text, waiting
from debpress.commands.packages import examine
from debpress.commands.sending import send


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Uploads .deb files as one batch, which is published whole or not at all, "
        "and waits until apt can see it."
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
    args.add_json(parser, "print the result as JSON")
    connection.add_arguments(parser)


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
        if arguments.json:
            text.print_json(waiting.sent(batch, manifest))
        else:
            print(batch.result)
        return 0
    result = waiting.wait(store, batch, manifest, clock, arguments.timeout)
    if arguments.json:
        text.print_json(text.as_json(result))
    else:
        text.print_result(result)
    return 0 if result.status == "published" else 1
