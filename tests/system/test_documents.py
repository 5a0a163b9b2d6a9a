"""The commands that the pages tell people to type, typed."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from local import paths
from local.ci import Ci
from local.stack import Stack
from tests.support.documents import blocks, sh
from tests.support.press import debs


@pytest.fixture
def dist(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A checkout whose build left two packages in dist/."""
    (tmp_path / "dist").mkdir()
    name = re.sub(r"[^a-z]+", "-", request.node.name.removeprefix("test_"))
    for file, body in debs((name, "1.0", "amd64"), (f"{name}-data", "1.0", "all")).items():
        (tmp_path / "dist" / file).write_bytes(body)
    return tmp_path


def test_readme_commands(ci: Ci, stack: Stack, dist: Path) -> None:
    demo, test, upload = blocks("README.md")
    assert test == "make test\n"  # what runs this; .ci/run calls no other
    assert "make test" in (paths.ROOT / ".ci/run").read_text("utf-8")

    done = sh(upload, dist, {**ci.environment, "DEBPRESS_BUCKET": stack.outputs.bucket})
    assert done.returncode == 0, done.stderr
    assert "published" in done.stdout

    assert demo == "make demo\n"
    done = sh(demo, paths.ROOT, dict(os.environ))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "All of it held" in done.stdout


def _real(block: str, stack: Stack) -> str:
    """A block of docs/ci.md for the stack, whose results take no time."""
    for placeholder, real in (("my-packages", stack.outputs.bucket), ("bookworm", "testing")):
        assert placeholder in block
        block = block.replace(placeholder, real)
    return block.replace("sleep 5", "sleep 0.2")


def test_ci_page_by_the_command_and_by_the_script(ci: Ci, stack: Stack, dist: Path) -> None:
    upload, check = blocks("docs/ci.md", "With the debpress command")
    (script,) = blocks("docs/ci.md", "With a script that needs no installation")
    (dist / "upload-debs.sh").symlink_to(paths.ROOT / "clients/upload-debs.sh")
    for block, said in (
        (check, "good"),
        (_real(upload, stack), "added"),
        (_real(script, stack), "unchanged"),
    ):
        done = sh(block, dist, ci.environment)
        assert done.returncode == 0, done.stderr
        assert said in done.stdout


def test_ci_page_by_the_aws_command_alone(ci: Ci, stack: Stack, dist: Path) -> None:
    upload, wait, *_ = blocks("docs/ci.md", "With the aws command alone")
    script = _real(upload + wait, stack)
    done = sh(script, dist, ci.environment)
    assert done.returncode == 0, done.stderr
    result = json.loads((dist / "result.json").read_text("utf-8"))
    assert result["status"] == "published" and len(result["packages"]) == 2
    assert result["batch"]["suite"] == "testing"

    package = next((dist / "dist").glob("*.deb"))
    package.write_bytes(package.read_bytes()[:-9])
    red = sh(script, dist, ci.environment)
    assert red.returncode == 1
    error = json.loads(red.stderr.splitlines()[-1])
    assert (error["file"], error["code"]) == (package.name, "deb-truncated")
    assert error["message"].endswith("; upload it again")
