"""`make release`: three wheels, two CloudFormation templates, and the zips that these name.

python -m local.release [--context FILE] [--to FOLDER]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from debpress.errors import DebpressError

from local import paths, synthesis
from local.errors import LocalError
from local.release import templates, wheels, zips

# Read when the CDK's library is imported.
os.environ |= synthesis.quiet()

from stacks import layers
from stacks.settings import NEWEST


def make(target: Path, settings: Mapping[str, Any]) -> None:
    """Makes a release of these settings (what cdk.json has below `context`) in an empty folder.

    Two releases of the same settings and the same checkout have the same bytes. Raises LocalError
    or DebpressError.
    """
    deployable(target, settings)
    architecture = settings.get("lambda_architecture", "arm64")
    python = str(settings.get("lambda_python", NEWEST))
    wheels.build(target, layers.dependencies(architecture, python))
    (target / "SHA256SUMS").write_text(_sums(target), "utf-8")


def deployable(target: Path, settings: Mapping[str, Any]) -> None:
    """The templates and their zips alone."""
    (target / "assets").mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        assembly = synthesis.synthesise(Path(folder), settings)
        stacks = {stack.key: stack.name for stack in assembly.stacks}
        for asset in assembly.assets:
            if asset.key in stacks:
                kind = stacks[asset.key].rpartition("-")[2]
                template = json.loads(asset.source.read_text("utf-8"))
                text = json.dumps(templates.freed(template), indent=1, sort_keys=True)
                (target / f"{kind}.template.json").write_text(f"{text}\n", "utf-8")
            elif asset.zipped:
                zips.pack(asset.source, target / "assets" / asset.key)
            else:
                shutil.copy(asset.source, target / "assets" / asset.key)


def _sums(folder: Path) -> str:
    """As `sha256sum` prints them."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n"
        for path in files
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.release", description=make.__doc__)
    parser.add_argument("--context", type=Path, help="a JSON file in place of cdk.json's context")
    parser.add_argument("--to", type=Path, default=paths.LOCAL / "release", help="the folder")
    given = parser.parse_args()
    try:
        settings = (
            json.loads(given.context.read_text("utf-8")) if given.context else synthesis.context()
        )
        shutil.rmtree(given.to, ignore_errors=True)
        make(given.to, settings)
    except (LocalError, DebpressError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"The release is in {given.to}; docs/deploy-without-cdk.md says what to do with it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
