"""A root of Debian 13, made by mmdebstrap from the mirror that this machine's apt reads. It takes
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
    root = paths.LOCAL / "trixie-2"
    if not root.exists():
        new = root.with_name("trixie.part")
        shutil.rmtree(new, ignore_errors=True)
        (mirror,) = (uri for uri in bundle._mirrors() if uri.endswith("/debian"))
        include = "--include=sqv,gpgv,rust-coreutils"
        command: list[str | Path] = ["mmdebstrap", "--variant=apt", include, "trixie", new, mirror]
        subprocess.run(command, check=True, timeout=900, capture_output=True)
        new.rename(root)
    return root
