"""The Debian tools that the demo and the tests run. Root installs them here; other users are told
the command.

This runs before anything is installed, so it uses the standard library only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence

# Commands and the Debian packages that they come from, without those of essential packages.
STACK: Mapping[str, str] = {"node": "nodejs"}
DEMO: Mapping[str, str] = {
    **STACK,
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
    "gpgv": "gpgv",
    "sqv": "sqv",
}
TESTS: Mapping[str, str] = {
    **DEMO,
    "/usr/lib/apt/methods/s3": "apt-transport-s3",
    "apt-file": "apt-file",
    "apt-ftparchive": "apt-utils",
    "aptly": "aptly",
    "chromium": "chromium",
    "curl": "curl",
    "dpkg-genchanges": "dpkg-dev",
    "dput": "dput",
    "git": "git",
    "gpg": "gpg",
    "gpg-agent": "gpg-agent",
    "jq": "jq",
    "make": "make",
    "njs": "njs",
    "npm": "npm",
    "openssl": "openssl",
    "readelf": "binutils",
    "reprepro": "reprepro",
    "rsync": "rsync",
    "shasum": "perl",
    "xz": "xz-utils",
}
# What `make soak` has besides: a builder with its chroots, and the language of Jenkins' files.
SOAK: Mapping[str, str] = {
    **TESTS,
    "/usr/lib/jvm/default-java/bin/java": "default-jre-headless",
    "groovy": "groovy",
    "mmdebstrap": "mmdebstrap",
    "newuidmap": "uidmap",
    "sbuild": "sbuild",
}
# What `make bench` measures beside debpress; and gpg, which signs for them.
PEERS: Mapping[str, str] = {
    "aptly": "aptly",
    "reprepro": "reprepro",
    "apt-ftparchive": "apt-utils",
    "gpg": "gpg",
    "gpg-agent": "gpg-agent",
}
PURPOSES = {"stack": STACK, "demo": DEMO, "tests": TESTS, "soak": SOAK, "peers": PEERS}


def missing(tools: Mapping[str, str]) -> list[str]:
    """The packages of those of `tools` that are not installed, each once."""
    return sorted({package for command, package in tools.items() if not shutil.which(command)})


def ensure(packages: Sequence[str]) -> str | None:
    """Installs the packages as root. Otherwise, or if that fails, returns what to do by hand."""
    if not packages:
        return None
    names = " ".join(packages)
    by_hand = f"Debian packages are missing; as root: apt-get install {names}"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return by_hand
    print(f"==> apt-get install {names}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    for command in (install, ["apt-get", "update"], install):
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, check=False, timeout=600
        )
        if command is install and done.returncode == 0:
            return None
    return f"apt-get could not install {names}: see above"


def main() -> int:
    purpose = sys.argv[1] if len(sys.argv) > 1 else "tests"
    problem = ensure(missing(PURPOSES[purpose]))
    if problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
