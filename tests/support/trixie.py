"""Roots of Debian, made by mmdebstrap from the mirror that this machine's apt reads. They take
root, mmdebstrap, and a minute the first time."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from layers.gnupg import bundle
from local import paths

# Where the package rust-coreutils has them, under the names of GNU's.
UUTILS = "/usr/lib/cargo/bin/coreutils"


def possible() -> bool:
    return os.geteuid() == 0 and shutil.which("mmdebstrap") is not None


def made() -> Path:
    """With apt, what it verifies by, and the coreutils of Ubuntu beside those of GNU (`UUTILS`);
    kept for the next time."""
    return bootstrapped("trixie-2", "trixie", "apt", "--include=sqv,gpgv,rust-coreutils")


def bootstrapped(name: str, release: str, variant: str, *options: str) -> Path:
    """A root of a release of Debian, in .local: a folder, or a file if its name ends in .tar; kept
    for the next time."""
    root = paths.LOCAL / name
    if not root.exists():
        new = root.with_name(f"part-{name}")
        shutil.rmtree(new, ignore_errors=True)
        (mirror,) = (uri for uri in bundle._mirrors() if uri.endswith("/debian"))
        what = (f"--variant={variant}", *options, release, str(new), mirror)
        subprocess.run(["mmdebstrap", *what], check=True, timeout=900, capture_output=True)
        new.rename(root)
    return root
