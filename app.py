"""The CDK application: reads the configuration and synthesises the stacks."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "layers/debpress/python"))

import aws_cdk as cdk
from debpress.errors import DebpressError

from stacks import settings
from stacks.deployment import deployment


def main() -> int:
    app = cdk.App()
    try:
        deployment(app, settings.read(app.node))
    except DebpressError as error:
        print(f"debpress: {error}", file=sys.stderr)
        return 1
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
