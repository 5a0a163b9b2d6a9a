"""Who may read through the distribution: a function at the edge, and the store of its tokens.

The store is filled and emptied by `debpress token`, never by a deployment. It goes with the
distribution, or when the configuration asks for tokens no longer, and all tokens with it.
"""

from __future__ import annotations

import json
from pathlib import Path

from aws_cdk import aws_cloudfront as cloudfront
from constructs import Construct
from debpress.layout import Layout

from .names import Names

_CODE = Path(__file__).parent / "edge/door.js"

# Bytes of a function's code (CloudFront developer guide, "Quotas on CloudFront Functions").
MOST_BYTES = 10 * 1024


def code(layout: Layout) -> str:
    """The function's, without the comments, for they count among its bytes."""
    paths = {
        "OPEN": (layout.setup_script, layout.key_asc, layout.key_gpg),
        "SHARED": (layout.keyring_package,),
    }
    lines = _CODE.read_text("utf-8").splitlines()
    text = "\n".join(line for line in lines if line and not line.lstrip().startswith("//"))
    for name, keys in paths.items():
        asked = [key.removeprefix(layout.root) for key in keys]
        text = text.replace(f"@{name}@", json.dumps(asked))
    return f"{text}\n"


class Door(Construct):
    """`function_arn` is what a behaviour calls at each request; `store_arn` is where tokens are."""

    def __init__(self, scope: Construct, construct_id: str, names: Names, layout: Layout) -> None:
        super().__init__(scope, construct_id)
        store = cloudfront.CfnKeyValueStore(
            self, "Tokens", name=names.delivery("tokens"), comment="Who may read the packages"
        )
        config = cloudfront.CfnFunction
        function = config(
            self,
            "Function",
            name=names.delivery("door"),
            function_code=code(layout),
            auto_publish=True,
            function_config=config.FunctionConfigProperty(
                comment="Lets in who has a token",
                runtime="cloudfront-js-2.0",
                key_value_store_associations=[
                    config.KeyValueStoreAssociationProperty(key_value_store_arn=store.attr_arn)
                ],
            ),
        )
        self.store_arn, self.function_arn = store.attr_arn, function.attr_function_arn
