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


def test_ci_page_by_the_aws_command_alone(ci: Ci, stack: Stack, dist: Path) -> None:
    proof = blocks("docs/ci.md", "Proving where a package is from")
    names, wait = (
        b for b in blocks("docs/ci.md") if not b.startswith("debpress") and b not in proof
    )
    script = names + wait
    for placeholder, real in (("my-packages", stack.outputs.bucket), ("=bookworm", "=testing")):
        assert placeholder in script
        script = script.replace(placeholder, real)
    done = sh(script.replace("sleep 5", "sleep 0.2"), dist, ci.environment)
    assert done.returncode == 0, done.stderr
    result = json.loads((dist / "result.json").read_text("utf-8"))
    assert result["status"] == "published" and len(result["packages"]) == 2
    assert result["batch"]["suite"] == "testing"
