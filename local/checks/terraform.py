"""Checks the grammar of the Terraform module, by a parser of its language; and its form by
Terraform itself, where that is on the path, whose `validate` would fetch AWS's provider."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import hcl2

from local import paths

MODULE = paths.ROOT / "clients/terraform"


def main() -> int:
    code = 0
    for file in sorted(MODULE.glob("*.tf")):
        try:
            hcl2.loads(file.read_text("utf-8"))
        except Exception as error:  # The parser has errors of several kinds.
            print(f"error: {file.relative_to(paths.ROOT)}: {error}", file=sys.stderr)
            code = 1
    if shutil.which("terraform"):
        # Without the user's settings, which may name places to ask for providers.
        environment = {**os.environ, "TF_CLI_CONFIG_FILE": os.devnull}
        command = ["terraform", "fmt", "-check", "-diff", str(MODULE)]
        code |= subprocess.run(command, env=environment, check=False).returncode
    return code


if __name__ == "__main__":
    sys.exit(main())
