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
from tests.support.ci_projects import project, run, token
from tests.support.documents import sh
from tests.support.recipes import installed, recipe, source

SCRIPT = paths.ROOT / "clients/upload-debs.sh"


@pytest.fixture
def home(ci: Ci, stack: Stack, tmp_path: Path) -> dict[str, str]:
    """The environment of a person with a home of their own."""
    return {**ci.environment, "HOME": str(tmp_path), "DEBPRESS_BUCKET": stack.outputs.bucket,
            "LC_ALL": "C.UTF-8"}  # fmt: skip


def done(script: str, folder: Path, environment: dict[str, str]) -> str:
    """What it prints."""
    ran = sh(script, folder, environment)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def test_a_build_is_published_by_dpkg_buildpackage_dput_and_sbuilds_hook(
    stack: Stack, home: dict[str, str], tmp_path: Path
) -> None:
    tree = tmp_path / "build/hello-recipes"
    source(tree)
    # What is needed to build a package is not always there, and this one needs none of it.
    building = recipe("dpkg-buildpackage", "sh", stack.outputs).replace(" -b\n", " -b -d\n")
    assert re.search(r"added +hello-recipes +1\.0 +all", done(building, tree, home))

    (tmp_path / ".dput.cf").write_text(recipe("dput", "ini", stack.outputs))
    dput = recipe("dput", "sh", stack.outputs)
    assert re.search(r"unchanged +hello-recipes", done(dput, tree, home))
    package = tree.parent / "hello-recipes_1.0_all.deb"
    whole = package.read_bytes()

    installed(tmp_path)
    hook = recipe("sbuild", "perl", stack.outputs)
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
    (tmp_path / "nfpm.yaml").write_text(recipe("nFPM", "yaml", stack.outputs))
    said = done(recipe("nFPM", "sh", stack.outputs), tmp_path, home)
    assert re.search(r"added +hello-nfpm +1\.0\.0-1 +amd64", said)


def test_the_steps_of_circleci_publish_by_the_job_s_token(stack: Stack, tmp_path: Path) -> None:
    """As CircleCI runs steps that name no shell; `make check` has read the file by its schema."""
    circle: dict[str, Any] = yaml.safe_load(recipe("CircleCI", "yaml", stack.outputs))
    job = circle["jobs"]["publish"]
    web = project(tmp_path / "web", {})
    debs.build(web / "dist", "hello-steps", "1.0")
    (web / "ci").mkdir()
    (web / "ci/upload-debs.sh").symlink_to(SCRIPT)
    own = {
        "AWS_ENDPOINT_URL": stack.outputs.endpoint_url,
        "AWS_REGION": stack.outputs.region,
        "AWS_ROLE_ARN": "arn:aws:iam::000000000000:role/ci",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
    }
    issuer = "oidc.circleci.com/org/ORGANISATION-ID"
    identity = token("org/ORGANISATION-ID/project/PROJECT-ID/user/1", "ORGANISATION-ID", issuer)
    environment = {**job["environment"], **own, "CIRCLE_OIDC_TOKEN_V2": identity}
    for step in job["steps"]:
        if "run" in step:
            bash = ("bash", "-eo", "pipefail", "-c", step["run"])
            step_done = run(bash, web, tmp_path / "home", environment)
            assert step_done.returncode == 0, step_done.stdout + step_done.stderr
    assert (tmp_path / "token").stat().st_mode & 0o77 == 0
    assert re.search(r"added +hello-steps +1\.0 +all", step_done.stdout)
