"""`debpress upload`: sends a batch to staging, its manifest last, and waits for the result.

IAM: s3:PutObject and s3:AbortMultipartUpload on the batch's staging prefix, s3:GetObject on its
results prefix; nothing else. With s3:ListBucket for the staging prefix, or s3:GetObject on it, an
upload under the name of an earlier one sends what is lacking; with s3:GetObject on
`state/_repository.json`, what the configuration refuses (a suite, an architecture, an uploader,
provenance) is told before anything is sent. docs/ci.md explains it to authors of CI jobs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from debpress import codec, layout
from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import connection, joblog, repository, text, waiting
from debpress.commands.foreseeing import foreseen
from debpress.commands.gathering import Gathered, gather
from debpress.commands.sending import put, send_files
from debpress.errors import DebpressError, Refusal, TransientError
from debpress.layout import Batch
from debpress.store import Head

if TYPE_CHECKING:
    from debpress.adapters.s3 import S3Store


_NOT_SENT = "debpress: Nothing was sent: mend what is said above, and run this again."
_ON = "{how} this again with --batch {batch}, which goes on from there."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Uploads .deb files as one batch, which is published whole or not at all, "
        "and waits until apt can see it."
    )
    args.add_files(parser)
    args.add_suites(
        parser, "where to publish; several times, for all of these suites or none", required=True
    )
    parser.add_argument("--component", default="main", type=args.component)
    add_options(parser)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--batch",
        type=args.fits(layout.BATCH),
        help="the batch's name (default: the time and a random part); under the name of an upload "
        "that broke off, what is lacking is sent",
    )
    parser.add_argument(
        "--uploader",
        type=args.uploader,
        help="begin the batch's name with this and a dot, where uploaders are told by that",
    )
    args.add_waiting(parser)
    args.add_json(parser, "print the result as JSON")
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    try:
        return _run(arguments, clock)
    except DebpressError as error:
        joblog.annotate("not published", str(error))
        joblog.summarise_end(str(error), _places(arguments))
        raise


def _run(arguments: argparse.Namespace, clock: Clock) -> int:
    suites = args.different(arguments.suites)
    batch = _batch(arguments, suites, clock)
    gathered = gather(arguments.files)
    joblog.print_gathered(gathered)
    if gathered.refusals:
        return _refused(arguments, gathered.refusals)
    connected = connection.connect(arguments)
    known, listing = repository.known(connected[1]), gathered.manifest(suites)
    if refusals := foreseen(known, batch, listing, gathered.packages, clock):
        joblog.print_errors([each.as_json() for each in refusals])
        return _refused(arguments, refusals)
    try:
        return _publish(arguments, clock, connected, batch, gathered)
    except KeyboardInterrupt:
        print(f"debpress: {_interrupted(batch)}", file=sys.stderr)
        raise


def _publish(
    arguments: argparse.Namespace,
    clock: Clock,
    connected: tuple[Any, S3Store],
    batch: Batch,
    gathered: Gathered,
) -> int:
    suites = arguments.suites
    manifest = _send(connected, clock, batch, gathered, suites, again=arguments.batch is not None)
    if arguments.no_wait:
        if arguments.json:
            text.print_json(waiting.sent(batch, manifest))
        else:
            print(batch.result)
        return 0
    print(f"Waiting until apt can see it, {arguments.timeout:g} s at most", file=sys.stderr)
    result = waiting.wait(connected[1], batch, manifest, clock, arguments.timeout)
    joblog.summarise(result, suites)
    if arguments.json:
        text.print_json(text.as_json(result))
    else:
        joblog.report(result, suites)
    errors = [codec.encode(each) for each in result.errors]
    joblog.print_errors(errors, [package.path for package in gathered.packages])
    return 0 if result.status == "published" else 1


def _places(arguments: argparse.Namespace) -> list[str]:
    return [f"{suite}/{arguments.component}" for suite in arguments.suites]


def _refused(arguments: argparse.Namespace, refusals: Sequence[Refusal]) -> int:
    """What is wrong stands on stderr already."""
    errors = [each.as_json() for each in refusals]
    if arguments.json:
        text.print_json({"errors": errors})
    joblog.summarise_errors(errors, _places(arguments))
    print(_NOT_SENT, file=sys.stderr)
    return 1


def _interrupted(batch: Batch) -> str:
    return f"Interrupted. {_ON.format(how='Run', batch=batch.id)}"


def _batch(arguments: argparse.Namespace, suites: Sequence[str], clock: Clock) -> Batch:
    """The batch's place and name. Raises argparse.ArgumentError."""
    name, uploader = arguments.batch or waiting.new_id(clock), arguments.uploader
    if uploader and not name.startswith(f"{uploader}."):
        name = f"{uploader}.{name}"
    if not layout.BATCH.fullmatch(name):
        raise argparse.ArgumentError(None, f"argument --batch: {name!r} is too long")
    batch = Batch(suites[0], arguments.component, name)
    if len(suites) > 1 and not batch.claimed:
        # The press would say so after the upload.
        told = "say --uploader NAME, who may publish in each of them"
        raise argparse.ArgumentError(None, f"argument --suite: for several suites, {told}")
    return batch


def _send(
    connected: tuple[Any, S3Store],
    clock: Clock,
    batch: Batch,
    gathered: Gathered,
    suites: Sequence[str],
    *,
    again: bool,
) -> Head:
    """Raises TransientError or StoreError, whose text says how to go on."""
    from debpress.adapters import aws  # noqa: PLC0415 (see connection)

    client, store = connected
    packages = gathered.packages
    size = text.amount(sum(package.size for package in packages))
    title = f"Uploading {len(packages)} package(s), {size}, to s3://{store.bucket}/{batch.staging}"
    with joblog.section("upload", title, sys.stderr):
        try:
            send_files(client, store, batch, packages, clock, again=again)
            return put(store, batch, gathered.manifest(suites))
        except DebpressError as error:
            advice = "Nothing was published."
            if isinstance(error, TransientError) or aws.expired(error):
                how = "Run" if isinstance(error, TransientError) else "Then run"
                advice = _ON.format(how=how, batch=batch.id)
            raise type(error)(f"{error} {advice}") from error
