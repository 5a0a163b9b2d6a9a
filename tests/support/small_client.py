"""An installation of the wheel for jobs of CI, and of nothing else."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from local.release import client

# The modules that the wheel asks for, of backports.zstd and python-debian.
_BESIDE = (*(() if sys.version_info >= (3, 14) else ("backports",)), "debian")

COMMAND = (sys.executable, "-S", "-m", "debpress_client.command")


def install(folder: Path) -> Mapping[str, str]:
    """Makes it in a folder; gives the variable with which COMMAND finds it, and no other package.
    What it asks for is linked."""
    client.write(folder)
    for name in _BESIDE:
        (place, *_) = import_module(name).__path__
        (folder / name).symlink_to(place)
    return {"PYTHONPATH": str(folder)}
