"""Checks every lock for packages with known vulnerabilities, by pip-audit.

pip-audit asks the package index. Where that can't be reached, or has no data on vulnerabilities (as
most mirrors), nothing can be audited: this is reported, and is a failure only with
`AUDIT=required`. A check that always failed without a network would soon be switched off.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from local import paths

LOCKS = (
    "requirements.txt",
    "layers/dependencies/requirements.txt",
    "layers/provenance/requirements.txt",
    "local/emulator/requirements.txt",
    "local/checks/requirements.txt",
    "local/uv/requirements.txt",
    "tests/fuzz/requirements.txt",
)
SECONDS = 300.0
_WIDTH = 300


def main() -> int:
    audited: set[tuple[str, str]] = set()
    left: dict[str, str] = {}
    found: list[str] = []
    for lock in LOCKS:
        dependencies, trouble = _audit(lock)
        if trouble:
            left[lock] = trouble
        for each in dependencies:
            if "skip_reason" in each:
                left[f"{lock}: {each['name']}"] = str(each["skip_reason"])
                continue
            audited.add((each["name"], each["version"]))
            for bug in each["vulns"]:
                mended = ", ".join(bug["fix_versions"]) or "nothing yet"
                found.append(
                    f"{lock}: {each['name']} {each['version']} has {bug['id']}; "
                    f"mended in: {mended}. Move the lock on (see the .in file beside it)"
                )
    for line in found:
        print(f"error: {line}", file=sys.stderr)
    print(f"{len(audited)} locked packages audited, {len(found)} known vulnerabilities")
    if left:
        where, why = next(iter(left.items()))
        print(
            f"{'*' * 72}\n"
            f"NOT AUDITED: {len(left)} locks or packages; the first is {where}:\n  {why}\n"
            "Run `make check AUDIT=required` where the package index knows of vulnerabilities.\n"
            + "*"
            * 72,
            file=sys.stderr,
        )
    required = os.environ.get("AUDIT") == "required"
    return 1 if found or (left and required) else 0


def _audit(lock: str) -> tuple[list[dict[str, Any]], str]:
    """pip-audit's findings on each package of a lock; and the error that prevented them, if any."""
    command = [
        *(sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes"),
        *("--progress-spinner", "off", "--format", "json", "-r", str(paths.ROOT / lock)),
    ]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return [], f"no answer within {SECONDS:g} s"
    try:
        dependencies: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except ValueError:
        return [], (done.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1][:_WIDTH]
    return dependencies, ""


if __name__ == "__main__":
    sys.exit(main())
