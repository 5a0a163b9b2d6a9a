"""`debpress mirror`: a second bucket, in another Region perhaps, follows the repository.

IAM: on the repository s3:GetObject and s3:ListBucket; on the other bucket these, s3:PutObject, and
for --tidy s3:DeleteObjectVersion.
"""

from __future__ import annotations

import argparse

from debpress.clock import Clock
from debpress.codec import encode
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
    from debpress.steps import mirror  # noqa: PLC0415
    from debpress.steps.replication import Mirror  # noqa: PLC0415
    from debpress.steps.services import Services  # noqa: PLC0415

    _, store = connection.connect(arguments)
    _, repository = open_archive(store, clock)
    region = arguments.to_region or arguments.region
    client = s3.client(
        region=region, endpoint_url=arguments.endpoint_url, silence=s3.COPYING_SECONDS
    )
    pair = Mirror(
        Services(store, repository, clock),
        Services(s3.S3Store(client, arguments.to), repository, clock),
        BucketCopier(client, store.bucket, arguments.to),
    )
    done = mirror.run(pair, tidying=arguments.tidy)
    if arguments.json:
        text.print_json(encode(done))
        return 0
    for name, each in done.suites.items():
        news = f"{each.copied} objects copied" if each.flipped else "as it was"
        print(text.printable(f"{name}: generation {each.generation}, {news}"))
    if done.tidy:
        print(f"{done.tidy.copied} records copied, {done.tidy.deleted} objects deleted")
    return 0
