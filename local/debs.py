"""Builds small packages with the real dpkg-deb."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from local import processes

COMPRESSIONS = ("gzip", "xz", "zstd", "none")

# SOURCE_DATE_EPOCH: dpkg-deb dates every member so, and equal packages have equal bytes.
_BUILT_AT = "1700000000"


def build(
    folder: Path,
    package: str,
    version: str,
    architecture: str = "all",
    *,
    compression: str = "xz",
    fields: Mapping[str, str] | None = None,
    content: str = "",
) -> Path:
    """Builds `<package>_<version without epoch>_<architecture>.deb` in `folder`; returns its path.

    `fields` are added to control. The package holds one file with `content`, by which two builds of
    the same version can differ. Raises LocalError when dpkg-deb fails.
    """
    control = {
        "Package": package,
        "Version": version,
        "Architecture": architecture,
        "Maintainer": "Nobody <nobody@example.org>",
        "Section": "misc",
        "Priority": "optional",
        "Description": f"{package}, a package to try a repository with\n It has one file.",
        **(fields or {}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    upstream = version.partition(":")[2] or version
    deb = folder / f"{package}_{upstream}_{architecture}.deb"
    tree = Path(tempfile.mkdtemp(dir=folder, prefix=".build-"))
    try:
        tree.chmod(0o755)
        (tree / "DEBIAN").mkdir()
        (tree / "DEBIAN/control").write_text("".join(f"{k}: {v}\n" for k, v in control.items()))
        share = tree / "usr/share" / package
        share.mkdir(parents=True)
        (share / "about").write_text(f"{package} {version} {architecture}\n{content}")
        processes.run(
            ["dpkg-deb", "--root-owner-group", f"-Z{compression}", "--build", tree, deb],
            environment={**os.environ, "SOURCE_DATE_EPOCH": _BUILT_AT, "LC_ALL": "C.UTF-8"},
        )
    finally:
        shutil.rmtree(tree)
    return deb


def field(deb: Path, name: str) -> str:
    """One field of a package's control, empty where it has none."""
    return processes.run(["dpkg-deb", "--field", deb, name]).stdout.strip()
