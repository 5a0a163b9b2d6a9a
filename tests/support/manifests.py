"""The other two spellings of a batch, each written by the tool that people use for it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from local import debs, processes

_SOURCE = """\
Source: debpress-tests
Maintainer: Nobody <nobody@example.org>
Section: misc
Priority: optional
"""


def sha256sums(files: Sequence[Path]) -> str:
    """What `sha256sum *.deb` prints where the files are."""
    return processes.run(["sha256sum", *(f.name for f in files)], cwd=files[0].parent).stdout


def changes(files: Sequence[Path], place: Path) -> Path:
    """A `.changes` by the real dpkg-genchanges; all files lie in one folder."""
    tree = place / "source"
    (tree / "debian").mkdir(parents=True)
    control = [_SOURCE]
    for file in files:
        architecture = "all" if debs.field(file, "Architecture") == "all" else "any"
        control.append(
            f"Package: {debs.field(file, 'Package')}\nArchitecture: {architecture}\n"
            "Description: for tests\n"
        )
    (tree / "debian/control").write_text("\n".join(control))
    (tree / "debian/changelog").write_text(
        "debpress-tests (1.0) unstable; urgency=medium\n\n  * For tests.\n\n"
        " -- Nobody <nobody@example.org>  Mon, 02 Nov 2026 12:00:00 +0000\n"
    )
    (tree / "debian/files").write_text("".join(f"{f.name} misc optional\n" for f in files))
    result = place / "debpress-tests_1.0.changes"
    processes.run(
        ["dpkg-genchanges", "--build=binary", f"-u{files[0].parent}", f"-O{result}"],
        cwd=tree,
        environment={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    return result
