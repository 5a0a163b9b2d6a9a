"""Connects a subcommand to AWS, by arguments that the subcommands share.

The AWS SDK is imported only where a client is made. Its import takes longer than that of all of
debpress, and neither `--help` nor the message on a mistyped option needs it.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from debpress.errors import StoreError

if TYPE_CHECKING:
    from debpress.adapters import s3

STACK = "debpress-press"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("connection")
    group.add_argument("--bucket", help="the repository's bucket (else $DEBPRESS_BUCKET)")
    group.add_argument(
        "--stack",
        help=f"else the CloudFormation stack whose output Bucket names it (default: {STACK})",
    )
    group.add_argument("--region", help="the AWS region (else the usual AWS settings)")
    group.add_argument("--endpoint-url", metavar="URL", help="an S3 that is not AWS's")


def connect(arguments: argparse.Namespace, *, copies: bool = False) -> tuple[Any, s3.S3Store]:
    """The S3 client and the bucket as a store; `copies` where S3 is to copy packages, so that it is
    waited for as long as that takes.

    Raises argparse.ArgumentError when nothing names a bucket, and StoreError.
    """
    from debpress.adapters import aws, s3  # noqa: PLC0415 (see above)

    bucket = _bucket(arguments)
    with aws.translated(f"use s3://{bucket}", "the credentials"):
        client = s3.client(
            region=arguments.region,
            endpoint_url=arguments.endpoint_url,
            silence=s3.COPYING_SECONDS if copies else None,
        )
    return client, s3.S3Store(client, bucket)


def clients(arguments: argparse.Namespace) -> Callable[..., Any]:
    """A function that makes the client of a service, in a region that is named or in that of the
    arguments. It raises StoreError."""
    from debpress.adapters import aws  # noqa: PLC0415

    def make(service: str, region: str | None = None) -> Any:
        with aws.translated(f"use {service}", "the credentials"):
            return aws.client(
                service,
                region=region or arguments.region,
                endpoint_url=arguments.endpoint_url,
            )

    return make


def kms(arguments: argparse.Namespace, region: str | None = None) -> Any:
    """The KMS client of `region`, or else of the region of the arguments. Raises StoreError."""
    return clients(arguments)("kms", region)


def is_named(arguments: argparse.Namespace) -> bool:
    """Whether the bucket is known by its own name, and not by that of a stack."""
    return not arguments.stack and bool(_named(arguments))


def _bucket(arguments: argparse.Namespace) -> str:
    return _named(arguments) or output(arguments, "Bucket", _NO_BUCKET)


def _named(arguments: argparse.Namespace) -> str | None:
    named: str | None = arguments.bucket or (
        None if arguments.stack else os.environ.get("DEBPRESS_BUCKET")
    )
    return named


def output(arguments: argparse.Namespace, name: str, instead: str) -> str:
    """An output of the CloudFormation stack. `instead` is a phrase for the error's message, on how
    to do without. IAM: cloudformation:DescribeStacks.

    Raises argparse.ArgumentError when the output can't be read, and StoreError.
    """
    from debpress.adapters import aws  # noqa: PLC0415

    stack = arguments.stack or STACK
    action = f"read the outputs of stack {stack}"
    try:
        with aws.translated(action, "that you have cloudformation:DescribeStacks on it"):
            client = aws.client(
                "cloudformation", region=arguments.region, endpoint_url=arguments.endpoint_url
            )
            found = client.describe_stacks(StackName=stack)["Stacks"]
    except StoreError as error:
        # Nobody has named the stack, so it is no matter what is wrong with it: CI's role is denied,
        # or there is none (ValidationError).
        if arguments.stack and aws.answer(error) != "ValidationError":
            raise
        reason = f"stack {stack} could not be read: {aws.answer(error)}"
        raise argparse.ArgumentError(None, f"{instead} ({reason})") from error
    for each in found[0].get("Outputs", ()):
        if each["OutputKey"] == name:
            return str(each["OutputValue"])
    raise argparse.ArgumentError(None, f"{instead} (stack {stack} has no output {name})")


_NO_BUCKET = "no bucket is named: say --bucket, set DEBPRESS_BUCKET, or say --stack"
