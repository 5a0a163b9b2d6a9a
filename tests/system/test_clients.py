"""The clients for CI, each run as its CI would run it, by the real `aws` command."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

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


def test_the_github_action_publishes_and_writes_a_summary(ci: Ci, stack: Stack, job: Path) -> None:
    action: dict[str, Any] = yaml.safe_load((CLIENTS / "github/action.yml").read_text("utf-8"))
    given = {
        "packages": "dist/*.deb",
        "suite": "stable",
        "bucket": stack.outputs.bucket,
        "region": stack.outputs.region,
    }
    inputs = {name: each.get("default", "") for name, each in action["inputs"].items()} | given
    required = {name for name, each in action["inputs"].items() if each.get("required")}
    assert required == set(given)
    step = action["runs"]["steps"][-1]
    summary = job / "summary.md"
    done = sh(
        step["shell"],
        step["run"],
        job,
        {
            **ci.environment,
            **{
                name: re.sub(r"\${{ inputs\.(\w+) }}", lambda found: inputs[found[1]], value)
                for name, value in step["env"].items()
            },
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(CLIENTS / "github"),
            "GITHUB_STEP_SUMMARY": str(summary),
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("::group::") == done.stdout.count("::endgroup::") == 2
    written = summary.read_text("utf-8")
    assert "| added | the-github-action" in written
    assert re.search(r"apt-get install the-github-action\S+=1\.0$", written, re.MULTILINE)


def test_the_gitlab_job_publishes(ci: Ci, stack: Stack, job: Path) -> None:
    text = (CLIENTS / "gitlab/publish.yml").read_text("utf-8")
    header, _jobs = yaml.safe_load_all(text)
    inputs = {
        **{
            name: (each or {}).get("default", "") for name, each in header["spec"]["inputs"].items()
        },
        "suite": "stable",
        "bucket": stack.outputs.bucket,
        "region": stack.outputs.region,
        "role": "arn:aws:iam::111122223333:role/ci",
        "audience": "https://gitlab.example.org",
        "script": SCRIPT.as_uri(),
        "script_sha256": hashlib.sha256(SCRIPT.read_bytes()).hexdigest(),
    }
    filled = re.sub(r"\$\[\[ inputs\.(\w+) \]\]", lambda found: str(inputs[found[1]]), text)
    _, jobs = yaml.safe_load_all(filled)
    (made,) = jobs.values()
    variables = {
        name: str(value).replace("$CI_JOB_ID", "7") for name, value in made["variables"].items()
    }
    token = variables["AWS_WEB_IDENTITY_TOKEN_FILE"]
    variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = token.replace("/tmp", str(job))
    # The emulator has no provider of tokens, so the job's own keys stand in for the role.
    del variables["AWS_ROLE_ARN"], variables["AWS_ROLE_SESSION_NAME"]
    done = sh(
        "sh",
        "\n".join(made["script"]),
        job,
        {**ci.environment, **variables, "AWS_TOKEN": "token", "GITLAB_CI": "true"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "published in generation" in done.stdout
    assert done.stdout.count("section_start:") == done.stdout.count("section_end:") == 2
    assert variables["AWS_WEB_IDENTITY_TOKEN_FILE"] == f"{job}/aws-token"
    assert Path(variables["AWS_WEB_IDENTITY_TOKEN_FILE"]).stat().st_mode & 0o77 == 0
