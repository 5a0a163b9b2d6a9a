"""`debpress status --hosts`: which hosts have fetched a release, by the logs of requests.

IAM: s3:GetBucketLogging on the bucket, s3:ListBucket and s3:GetObject where the logs are;
cloudformation:DescribeStacks on the stack of the delivery, and, for a bucket that is named,
cloudformation:DescribeStackResources on the one that has it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from debpress.clock import Clock, iso
from debpress.commands import arguments as args
from debpress.commands import connection, text
from debpress.doctor import stacks
from debpress.doctor.findings import Unseen
from debpress.doctor.template import Stack
from debpress.errors import SourceError
from debpress.inspection.arrivals import Arrivals, Fetched, arrivals, fetched

_HOURS = 24
# So many of the hosts that have not come yet are named, and of the hours shown.
_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("hosts")
    group.add_argument(
        "--hosts",
        action="store_true",
        help="instead: how many hosts have fetched InRelease, hour by hour, where logs are on",
    )
    group.add_argument(
        "--hours",
        type=args.positive,
        default=_HOURS,
        metavar="N",
        help=f"how far back (default: {_HOURS})",
    )
    group.add_argument(
        "--logs",
        action="append",
        metavar="PLACE",
        help="s3://bucket/prefix, a folder or a file, may be repeated (default: the bucket's own "
        "log, and CloudFront's of the delivery); logs of S3, of CloudFront, or as nginx and Apache "
        "write them",
    )
    group.add_argument(
        "--old-logs",
        action="append",
        default=[],
        metavar="PLACE",
        help="the same of the address that hosts come from, by the suite's name there; what counts "
        "is dists/SUITE/InRelease, so a flat repository, or one with Release.gpg alone, shows none",
    )


def tell(arguments: argparse.Namespace, clock: Clock) -> int:
    since = clock.now() - timedelta(hours=arguments.hours)
    client, store = connection.connect(arguments)
    places = arguments.logs or _own(arguments, client, store.bucket)
    found = arrivals(
        _fetched(client, places, since), _fetched(client, arguments.old_logs, since), since
    )
    if arguments.suite:
        found = {arguments.suite: found.get(arguments.suite, Arrivals())}
    if arguments.json:
        text.print_json([_as_json(suite, each) for suite, each in sorted(found.items())])
        return 0
    if not found:
        print(f"no host has fetched a release in the last {arguments.hours} h, by these logs")
    for suite, each in sorted(found.items()):
        _print(suite, each, arguments)
    return 0


def _own(arguments: argparse.Namespace, client: Any, bucket: str) -> list[str]:
    """The log of the bucket, and that of the distribution in front of it. Raises SourceError where
    there is neither."""
    from debpress.adapters import access_logs  # noqa: PLC0415 (the SDK: see connection)

    places = [access_logs.of_bucket(client, bucket), _of_distribution(arguments, bucket)]
    found = [place for place in places if place]
    if not found:
        raise SourceError(
            f"requests to s3://{bucket} are not logged: deploy with access_logs (or delivery.logs, "
            "behind CloudFront), or say where there is a log (--logs)"
        )
    return found


def _of_distribution(arguments: argparse.Namespace, bucket: str) -> str | None:
    from debpress.adapters.deployed import Deployed  # noqa: PLC0415

    deployed = Deployed(connection.clients(arguments))
    owner: str | Unseen | None = arguments.stack or connection.STACK
    if connection.is_named(arguments):
        owner = deployed.stack_of(bucket)
    stack: Stack | Unseen | None = owner if isinstance(owner, Unseen) else None
    if isinstance(owner, str):
        stack = deployed.stack(stacks.delivery(stacks.name(owner)))
    if isinstance(stack, Unseen):
        _note(f"whether hosts come by CloudFront can't be seen, so that is not in it: {stack.why}")
    elif owner is None:
        _note(
            f"no stack here has s3://{bucket}, so it is not known whether hosts come by CloudFront "
            "(--stack says whose it is, or --logs where there is a log)"
        )
    elif stack is not None and stacks.ACCESS_LOGS not in stack.outputs:
        _note(
            f"hosts that come by CloudFront are not in it: {stack.name} has no output "
            f"{stacks.ACCESS_LOGS}; deploy with delivery.logs, or say where there is a log (--logs)"
        )
    return stack.outputs.get(stacks.ACCESS_LOGS) if isinstance(stack, Stack) else None


def _note(said: str) -> None:
    print(text.paragraph(said, "note: "), file=sys.stderr)


def _fetched(client: Any, places: Iterable[str], since: datetime) -> Iterator[Fetched]:
    from debpress.adapters import access_logs  # noqa: PLC0415

    for place in places:
        yield from fetched(access_logs.lines(client, place, since))


def _print(suite: str, found: Arrivals, arguments: argparse.Namespace) -> None:
    both = len(found.here.keys() & found.old.keys())
    print(
        f"{suite}: {text.count(len(found.here), 'host')} here in the last {arguments.hours} h",
        end="",
    )
    if not arguments.old_logs:
        print()
    else:
        print(
            f", {len(found.old)} at the old address, {both} of them at both; "
            f"{text.count(len(found.left), 'was', 'were')} at the old address last"
        )
    hours = sorted(found.hours.items())[-_SHOWN:]
    rows = [(hour, len(here), len(old)) for hour, (here, old) in hours]
    if arguments.old_logs:
        text.print_table([("hour (UTC)", "here", "old"), *rows])
    else:
        text.print_table([("hour (UTC)", "here"), *(row[:2] for row in rows)])
    for host in found.left[:_SHOWN]:
        print(f"  not here yet: {text.printable(host)}, last there {iso(found.old[host])}")
    if len(found.left) > _SHOWN:
        print(f"  and {len(found.left) - _SHOWN} more (--json has all)")


def _as_json(suite: str, found: Arrivals) -> dict[str, object]:
    return {
        "suite": suite,
        "here": {host: iso(at) for host, at in sorted(found.here.items())},
        "old": {host: iso(at) for host, at in sorted(found.old.items())},
        "not_here_yet": found.left,
        "hours": [
            {"hour": hour, "here": len(here), "old": len(old)}
            for hour, (here, old) in sorted(found.hours.items())
        ],
    }
