"""`debpress token add`, `list`, `revoke`: who may read through the front door.

It takes `delivery.tokens` in the configuration. IAM, of each of them: cloudfront-keyvaluestore:
DescribeKeyValueStore and GetKey, ListKeys, PutKey or DeleteKey on the store, and
cloudformation:DescribeStacks on the stack of the delivery.
"""

from __future__ import annotations

import argparse

from debpress.commands import subcommands

# Each is a module of its name in this package.
ACTIONS = {
    "add": "make a token, and show it this once",
    "list": "show who has a token, until when and for which suites",
    "revoke": "take a token back",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "The tokens by which hosts read through CloudFront."
    subcommands.add(parser, __name__, ACTIONS, "ACTION")
