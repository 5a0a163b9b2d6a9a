"""Whether a locked package has a vulnerability that is known: pip-audit over every lock.

It asks the package index. Where that can't be reached, or knows nothing of vulnerabilities (as most
mirrors), nothing was audited: that is said aloud, and is no failure of this checkout.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from local import paths

LOCKS = ("requirements.txt", "layers/dependencies/requirements.txt",
         "local/emulator/requirements.txt")  # fmt: skip
SECONDS = 300.0


def main() -> int:
    audited, found, why = 0, [], ""
    for lock in LOCKS:
        dependencies, trouble = _audit(lock)
        why = why or trouble
        for each in dependencies:
            if "skip_reason" in each:
                why = why or str(each["skip_reason"])
                continue
            audited += 1
            for bug in each["vulns"]:
                mended = ", ".join(bug["fix_versions"]) or "nothing yet"
                found.append(f"{lock}: {each['name']} {each['version']}: {bug['id']} ({mended})")
    for line in found:
        print(f"error: {line}", file=sys.stderr)
    print(f"{audited} locked packages audited, {len(found)} known vulnerabilities")
    if why:
        print(f"NOT AUDITED in whole: {why}", file=sys.stderr)
    return 1 if found else 0


def _audit(lock: str) -> tuple[list[dict[str, Any]], str]:
    """What pip-audit says of each package of a lock; and what kept it from that, if anything."""
    command = [
        *(sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes"),
        *("--progress-spinner", "off", "--format", "json", "-r", str(paths.ROOT / lock)),
    ]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=SECONDS,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return [], f"no answer within {SECONDS:g} s"
    try:
        dependencies: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except ValueError:
        return [], (done.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1][:300]
    return dependencies, ""


if __name__ == "__main__":
    sys.exit(main())
