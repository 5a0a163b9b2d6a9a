"""Zips whose bytes follow from their content alone, wherever and whenever they are made."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

# The earliest date that a zip can say.
_DATE = (1980, 1, 1, 0, 0, 0)


def pack(folder: Path, target: Path) -> None:
    """Zips the files of a folder. Permissions are those of a file that is executable or not."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in sorted(_files(folder)):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, on which the permissions are.
            entry.external_attr = (0o755 if os.access(path, os.X_OK) else 0o644) << 16
            archive.writestr(entry, path.read_bytes())


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for parent, _, files in os.walk(folder, followlinks=True):
        for file in files:
            path = Path(parent, file)
            yield path.relative_to(folder).as_posix(), path
