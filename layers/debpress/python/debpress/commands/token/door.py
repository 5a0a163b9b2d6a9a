"""What the actions share: where the tokens are kept, by arguments."""

from __future__ import annotations

import argparse

from debpress.commands import arguments as args
from debpress.commands import connection
from debpress.tokens import NAME, KeyValues

STACK = "debpress-delivery"

name = args.fits(NAME)

# Only to look the store's service up: the address that is called has no Region in it.
_REGION = "us-east-1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("connection")
    group.add_argument("--store", metavar="ARN", help="the key-value store of the tokens")
    group.add_argument(
        "--stack",
        default=STACK,
        help=f"else the stack of the delivery, whose output says it (default: {STACK})",
    )
    group.add_argument("--region", help="the stack's AWS region (else the usual AWS settings)")
    group.add_argument("--endpoint-url", metavar="URL", help="an AWS that is not AWS's")


def opened(arguments: argparse.Namespace) -> KeyValues:
    """Raises argparse.ArgumentError when nothing names the store, and StoreError."""
    from debpress.adapters.key_values import CloudFrontKeyValues  # noqa: PLC0415 (the SDK)

    client = connection.clients(arguments)("cloudfront-keyvaluestore", arguments.region or _REGION)
    arn = arguments.store or connection.output(arguments, "TokenStore", _NO_STORE)
    return CloudFrontKeyValues(client, arn)


_NO_STORE = "no store of tokens is named: have delivery.tokens deployed, or say --store"
