"""`debpress restore`: brings back what published releases name and somebody has deleted.

IAM: s3:ListBucketVersions and s3:GetObjectVersion (or s3:GetObject on the replica), s3:PutObject on
the root; and the bucket's policy must not deny it meanwhile (docs/runbook.md).
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from debpress.archive.restoration import History, Restoration, Restored
from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import connection, text
from debpress.commands.repository import open_archive, readable

if TYPE_CHECKING:
    from debpress.adapters.s3 import S3Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Brings back the packages, indices and InRelease that the published releases name and the "
        "bucket no longer has: from earlier versions, kept for a week, or from a replica. "
        "Exits with 1 if something is lost."
    )
    parser.add_argument("--suite", type=args.readable, help="(default: every suite)")
    parser.add_argument(
        "--from-replica", metavar="BUCKET", help="copy from this bucket, not from earlier versions"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would come back")
    args.add_json(parser)
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    client, store = connection.connect(arguments, copies=True)
    archive, repository = open_archive(store, clock)
    history = _history(arguments, client, store)
    restoration = Restoration(store, archive, history, arguments.dry_run)
    done = restoration.run(readable(archive, repository, arguments.suite))
    if arguments.json:
        text.print_json({"back": done.back, "lost": done.lost, "untold": done.untold})
    else:
        _print(done, dry_run=arguments.dry_run)
    return 1 if done.lost else 0


def _history(arguments: argparse.Namespace, client: Any, store: S3Store) -> History:
    from debpress.adapters import history  # noqa: PLC0415 (the SDK: see connection)
    from debpress.adapters.s3 import S3Store  # noqa: PLC0415

    if arguments.from_replica is None:
        return history.Versions(client, store)
    return history.OtherBucket(client, S3Store(client, arguments.from_replica), store.bucket)


def _print(done: Restored, *, dry_run: bool) -> None:
    for key in done.back:
        print(text.printable(f"{'would bring' if dry_run else 'brought'} back {key}"))
    for key in done.lost:
        print(text.printable(f"lost: {key} has no earlier version; see --from-replica"))
    for path in done.untold:
        print(text.printable(f"{path}: which packages it names can't be told before its indices"))
    print(f"{len(done.back)} objects back, {len(done.lost) or 'nothing'} lost")
