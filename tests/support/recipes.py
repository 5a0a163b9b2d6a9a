"""The recipes of docs/ci-recipes.md, and a source to build a package from."""

from __future__ import annotations

from pathlib import Path

from local import paths
from local.stack import Outputs
from tests.support.documents import fenced

PAGE = "docs/ci-recipes.md"

_RULES = """#!/usr/bin/make -f
build clean:
binary:
\tmkdir -p debian/tmp/DEBIAN debian/tmp/usr/share/doc/hello-recipes
\tcp debian/changelog debian/tmp/usr/share/doc/hello-recipes/
\tdpkg-gencontrol -Pdebian/tmp
\tdpkg-deb --root-owner-group --build debian/tmp ..
"""
_CONTROL = """Source: hello-recipes
Maintainer: A Maintainer <maintainer@example.org>
Section: misc
Priority: optional

Package: hello-recipes
Architecture: all
Description: says hello
"""
_CHANGELOG = """hello-recipes (1.0) unstable; urgency=medium

  * For tests.

 -- A Maintainer <maintainer@example.org>  Mon, 02 Nov 2026 12:00:00 +0000
"""


def recipe(section: str, language: str, outputs: Outputs) -> str:
    """A block of a section, for a real suite and bucket."""
    (block,) = fenced(PAGE, section, language)
    return block.replace("bookworm", "testing").replace("my-packages", outputs.bucket)


def installed(home: Path) -> None:
    """Puts the command where pipx does."""
    command = home / ".local/bin/debpress"
    command.parent.mkdir(parents=True)
    command.symlink_to(paths.BIN / "debpress")


def source(tree: Path) -> None:
    """Fills the folder; its package is hello-recipes 1.0."""
    (tree / "debian").mkdir(parents=True)
    for name, body in (("rules", _RULES), ("control", _CONTROL), ("changelog", _CHANGELOG)):
        (tree / "debian" / name).write_text(body)
    (tree / "debian/rules").chmod(0o755)
