"""`debpress mirror`: a second bucket, in another Region perhaps, follows the repository.

IAM: on the repository s3:GetObject and s3:ListBucket; on the other bucket these, s3:PutObject, and
for --tidy s3:DeleteObjectVersion.
"""

from __future__ import annotations

import argparse
from typing import Any

from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import connection, text
from debpress.commands.repository import open_archive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Copies what was published since the last call to another bucket, in an order in which "
        "hosts may read there at every moment. Calls may overlap, and break off anywhere."
    )
    parser.add_argument("--to", metavar="BUCKET", required=True, help="the bucket that follows")
    parser.add_argument("--to-region", metavar="REGION", help="its region (default: --region)")
    parser.add_argument(
        "--tidy",
        action="store_true",
        help="also copy the press's records, and delete what the repository has deleted",
    )
    args.add_json(parser)
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    from debpress.adapters import s3  # noqa: PLC0415 (the SDK: see connection)
    from debpress.adapters.copier import BucketCopier  # noqa: PLC0415
    from debpress.steps import mirror, tidy  # noqa: PLC0415
    from debpress.steps.replication import Mirror  # noqa: PLC0415
    from debpress.steps.services import Services  # noqa: PLC0415

    _, store = connection.connect(arguments)
    _, repository = open_archive(store, clock)
    region = arguments.to_region or arguments.region
    client = s3.client(region=region, endpoint_url=arguments.endpoint_url)
    pair = Mirror(
        Services(store, repository, clock),
        Services(s3.S3Store(client, arguments.to), repository, clock),
        BucketCopier(client, store.bucket, arguments.to),
    )
    followed = mirror.run(pair)
    suites = {
        suite: {"generation": each.generation, "flipped": each.flipped, "copied": each.copied}
        for suite, each in followed.items()
    }
    said: dict[str, Any] = {"suites": suites}
    if arguments.tidy:
        done = tidy.run(pair)
        said["tidy"] = {"copied": done.copied, "deleted": done.deleted}
    if arguments.json:
        text.print_json(said)
        return 0
    for name, each in followed.items():
        news = f"{each.copied} objects copied" if each.flipped else "as it was"
        print(text.printable(f"{name}: generation {each.generation}, {news}"))
    if arguments.tidy:
        print(f"{done.copied} records copied, {done.deleted} objects deleted")
    return 0
