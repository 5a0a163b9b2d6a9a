"""The wheel for jobs of CI: it is small, and enough. tests/system/test_clients.py uploads by it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from local.release import client
from tests.support import debs
from tests.unit.test_commands_packages import write

MOST = 30 * 10**6
# What pip installs beside it, for Python before 3.14, has 1.3 MB.
BESIDE = 2 * 10**6


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("client")
    client.write(made)
    return made


def sizes(folder: Path) -> Iterator[int]:
    """The blocks of each file on a disk; of a module twice, since pip compiles it."""
    for path in folder.rglob("*"):
        yield (path.stat().st_size // 4096 + 1) * 4096 * (2 if path.suffix == ".py" else 1)


def test_it_is_less_than_thirty_megabytes(project: Path) -> None:
    total = sum(sizes(project)) + BESIDE
    assert 5 * 10**6 < total < MOST, f"{total / 1e6:.1f} MB"


def test_what_a_job_does_runs_without_the_rest(project: Path, tmp_path: Path) -> None:
    """Each in a process that finds nothing but the wheel and what it asks for."""
    if sys.version_info < (3, 14):
        (backports,) = (Path(place) for place in import_module("backports").__path__)
        (project / "backports").symlink_to(backports)
    package = write(tmp_path, "foo_1.0_all.deb", debs.deb())
    listing = write(tmp_path, "dist/foo_1.0_all.deb", debs.deb(control_form=".xz"))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-S", "-m", "debpress_client.command", *arguments],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(project)},
            cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    checked = run("check", str(package), "--json")
    assert json.loads(checked.stdout)["packages"][0]["package"] == "foo", checked.stderr
    made = run("build-manifest", "dist")
    assert json.loads(made.stdout)["files"][0]["size"] == listing.stat().st_size, made.stderr
    operators = run("key", "check", "foo")
    assert (operators.returncode, operators.stderr.count("\n")) == (1, 1), operators.stderr
    assert "the wheel debpress in place of debpress_client" in operators.stderr
