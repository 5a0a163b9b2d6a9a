"""docs/ci-recipes.md, with the real tools where they can be had, upon the local stack."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from local import debs, paths
from local.ci import Ci
from local.stack import Stack
from tests.support.documents import fenced, sh

PAGE = "docs/ci-recipes.md"
SCRIPT = paths.ROOT / "clients/upload-debs.sh"

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


@pytest.fixture
def home(ci: Ci, stack: Stack, tmp_path: Path) -> dict[str, str]:
    """The environment of a person with a home of their own."""
    return {**ci.environment, "HOME": str(tmp_path), "DEBPRESS_BUCKET": stack.outputs.bucket,
            "LC_ALL": "C.UTF-8"}  # fmt: skip


def recipe(section: str, language: str, stack: Stack) -> str:
    """A block of a section, for the suite and bucket of the stack."""
    (block,) = fenced(PAGE, section, language)
    return block.replace("bookworm", "testing").replace("my-packages", stack.outputs.bucket)


def done(script: str, folder: Path, environment: dict[str, str]) -> str:
    """What it prints."""
    ran = sh(script, folder, environment)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def test_a_build_is_published_by_dpkg_buildpackage_dput_and_sbuilds_hook(
    stack: Stack, home: dict[str, str], tmp_path: Path
) -> None:
    tree = tmp_path / "build/hello-recipes"
    (tree / "debian").mkdir(parents=True)
    for name, body in (("rules", _RULES), ("control", _CONTROL), ("changelog", _CHANGELOG)):
        (tree / "debian" / name).write_text(body)
    (tree / "debian/rules").chmod(0o755)
    # What is needed to build a package is not always there, and this one needs none of it.
    building = recipe("dpkg-buildpackage", "sh", stack).replace(" -b\n", " -b -d\n")
    assert re.search(r"added +hello-recipes +1\.0 +all", done(building, tree, home))

    (tmp_path / ".dput.cf").write_text(recipe("dput", "ini", stack))
    dput = recipe("dput", "sh", stack)
    assert re.search(r"unchanged +hello-recipes", done(dput, tree, home))
    package = tree.parent / "hello-recipes_1.0_all.deb"
    whole = package.read_bytes()

    hook = recipe("sbuild", "perl", stack)
    (tmp_path / "config.pl").write_text(hook)
    read = 'our $external_commands; do "./config.pl"; print join("\\n", @{$_}) for '
    read += '@{$external_commands->{"post-build-commands"}};'
    words = done(f"perl -e '{read}'", tmp_path, home).split("\n")
    (changes,) = tree.parent.glob("*.changes")
    command = [str(changes) if word == "%SBUILD_CHANGES" else word for word in words]
    assert re.search(r"unchanged +hello-recipes", done(shlex.join(command), tmp_path, home))

    # dput itself sees that sums don't fit; what it can't see, the command does, and dput fails.
    package.write_bytes(whole[:-9] + b"\0" * 9)
    resummed = _resummed(changes, package)
    refused = sh(dput, tree, home)
    assert resummed and refused.returncode != 0
    said = refused.stdout + refused.stderr
    assert "hello-recipes_1.0_all.deb: deb-malformed: " in said
    assert "Nothing was sent: mend what is said above" in said


def _resummed(changes: Path, package: Path) -> bool:
    """Gives a .changes the sums of what the package is now, as whoever builds wrongly would."""
    text = changes.read_text()
    for name in ("md5", "sha1", "sha256"):
        tool = subprocess.run([f"{name}sum", package], capture_output=True, text=True, check=True)
        text = re.sub(
            rf"^ [0-9a-f]{{{len(tool.stdout.split()[0])}}} (?=.*{re.escape(package.name)}$)",
            f" {tool.stdout.split()[0]} ", text, flags=re.MULTILINE,
        )  # fmt: skip
    return bool(changes.write_text(text))


def test_what_nfpm_packs_is_published(stack: Stack, home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "hello").write_text("#!/bin/sh\necho hello\n")
    (tmp_path / "nfpm.yaml").write_text(recipe("nFPM", "yaml", stack))
    said = done(recipe("nFPM", "sh", stack), tmp_path, home)
    assert re.search(r"added +hello-nfpm +1\.0\.0-1 +amd64", said)


def test_the_steps_of_circleci_and_jenkins_publish(
    stack: Stack, home: dict[str, str], tmp_path: Path
) -> None:
    debs.build(tmp_path / "dist", "hello-steps", "1.0")
    (tmp_path / "ci").mkdir()
    (tmp_path / "ci/upload-debs.sh").symlink_to(SCRIPT)
    circle: dict[str, Any] = yaml.safe_load(recipe("CircleCI", "yaml", stack))
    job = circle["jobs"]["publish"]
    assert job["environment"]["DEBPRESS_BUCKET"] == stack.outputs.bucket
    token, publish = (step["run"] for step in job["steps"] if "run" in step)
    file = tmp_path / "token"
    done(token, tmp_path, {**home, "CIRCLE_OIDC_TOKEN_V2": "t", "AWS_WEB_IDENTITY_TOKEN_FILE":
                           str(file)})  # fmt: skip
    assert file.read_text() == "t" and file.stat().st_mode & 0o77 == 0
    jenkins = re.findall(r"sh '(.*)'", recipe("Jenkins", "groovy", stack))
    assert jenkins[-1] == publish
    assert re.search(r"added +hello-steps +1\.0 +all", done(publish, tmp_path, home))
