"""The clients for CI, each run as its CI would run it, by the real `aws` command."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from local import debs, paths
from local.ci import Ci
from local.stack import Stack
from tests.support import manifests, small_client

CLIENTS = paths.ROOT / "clients"
SCRIPT = CLIENTS / "upload-debs.sh"


def sh(
    shell: str, script: str, folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """A step of a job, as the CI runs it: errors end it; the `aws` command is at hand."""
    path = f"{paths.BIN}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [shell, "-e", "-c", script], cwd=folder, env={**environment, "PATH": path},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture
def job(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A checkout whose build left a package in dist/, named after the test."""
    name = re.sub(r"[^a-z]+", "-", request.node.name.removeprefix("test_"))
    debs.build(tmp_path / "dist", name, "1.0")
    return tmp_path


def test_the_script_publishes_and_says_so_and_again(ci: Ci, stack: Stack, job: Path) -> None:
    script = f'{SCRIPT} --suite stable --bucket "$BUCKET" --batch {job.name} dist/*.deb'
    environment = {**ci.environment, "BUCKET": stack.outputs.bucket}
    first, again = (sh("sh", script, job, environment) for _ in range(2))
    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    assert f"stable/main/{job.name}: published in generation" in first.stdout
    assert re.search(r"^  added +the-script-publishes\S+ +1\.0 +all$", first.stdout, re.MULTILINE)
    assert re.search(r"^  unchanged ", again.stdout, re.MULTILINE)


def test_the_small_client_publishes_what_a_changes_lists(ci: Ci, stack: Stack, job: Path) -> None:
    """With nothing but what its wheel brings."""
    (job / "client").mkdir()
    changes = manifests.changes(sorted((job / "dist").iterdir()), job)
    environment = {
        **ci.environment,
        **small_client.install(job / "client"),
        "DEBPRESS_BUCKET": stack.outputs.bucket,
        "GITHUB_ACTIONS": "true",
    }
    command = shlex.join(small_client.COMMAND)
    listed = (job / "dist").joinpath(changes.name)
    changes.rename(listed)
    done = sh("sh", f"{command} push testing {listed}", job, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("::group::testing/main/")
    assert re.search(r"^  added +the-small-client\S+ +1\.0 +all$", done.stdout, re.MULTILINE)
    package = next((job / "dist").glob("*.deb"))
    package.write_bytes(package.read_bytes()[:-9])
    red = sh("sh", f"{command} push testing dist dist/*.changes", job, environment)
    assert red.returncode == 1
    assert f"::error file=dist/{package.name},title=dist/{package.name}%3A deb-" in red.stderr
    assert red.stderr.splitlines()[-1].startswith("debpress: Nothing was sent: mend ")


def test_a_red_job_ends_with_what_is_wrong_and_what_to_do(ci: Ci, stack: Stack, job: Path) -> None:
    environment = {**ci.environment, "DEBPRESS_BUCKET": stack.outputs.bucket}
    script = f"{SCRIPT} --suite testing dist/*.deb"
    assert sh("sh", script, job, environment).returncode == 0
    package = next((job / "dist").iterdir())
    name = package.name.partition("_")[0]
    debs.build(job / "dist", name, "1.0", content="other bytes")
    done = sh("sh", script, job, environment)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"{package.name}: version-reused: {name} 1.0")
    assert "give it a new version" in done.stderr


def test_what_aws_refuses_is_shown_and_fails_the_job(ci: Ci, job: Path) -> None:
    done = sh("sh", f"{SCRIPT} --suite stable --bucket no-such-bucket dist/*.deb", job,
              ci.environment)  # fmt: skip
    assert done.returncode == 1
    assert "NoSuchBucket" in done.stdout + done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.endswith("nothing was published; check the bucket's name and its Region")
