"""Pipelines of GitLab, run by `gitlab-ci-local`: it reads `.gitlab-ci.yml`, includes and inputs
too, checks it by GitLab's schema, and runs the jobs by a shell. What an include names it fetches by
git, from a folder of ours; it has no tokens, so they are given to it as variables.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

import yaml

from local import paths
from tests.support.ci_projects import CLIENTS, GITLAB, Ran, git, release, run, token

FILE = ".gitlab-ci.yml"
_PROGRAM = paths.ROOT / "node_modules/gitlab-ci-local/dist/index.js"
# A method of sets that Node 20 has not got yet, and the program asks for.
_UNION = "Set.prototype.union ??= function (other) { return new Set([...this, ...other]); };"
# What a job has printed; the end of a failed one's is shown once more, as the last that is shown.
_PRINTED = re.compile(r"^\S* +> (.*\n)", re.MULTILINE)


def release_pipeline(folder: Path, environment: Mapping[str, str], subject: str) -> Ran:
    """Runs the pipeline for the tag v1.0 of a project. `GROUP/debpress` has our `clients/` at `v1`,
    and GitLab's file as its component `debpress`. `id_tokens` have `subject` as their `sub`."""
    ours = folder.parent / "gitlab/debpress"
    if not ours.exists():
        shutil.copytree(CLIENTS, ours / "clients")
        (ours / "templates").mkdir()
        shutil.copy(CLIENTS / "gitlab/publish.yml", ours / "templates/debpress.yml")
        git(ours, "init", "--quiet", "--initial-branch=main")
        release(ours, "v1")
    read = yaml.safe_load(_local(folder, ours, "--preview").stdout)
    tokens = {
        name: token(subject, each["aud"], urlsplit(GITLAB).netloc)
        for job in read.values()
        if isinstance(job, dict)
        for name, each in job.get("id_tokens", {}).items()
    }
    # Without the image that the job names, its folder is this one.
    variables = {
        **environment,
        **tokens,
        "CI_COMMIT_TAG": "v1.0",
        "CI_PROJECT_DIR": str(folder),
    }
    given = [f"--variable={name}={value}" for name, value in variables.items()]
    done = _local(folder, ours, "--force-shell-executor", *given)
    printed = "".join(_PRINTED.findall(done.stdout))
    return Ran(done.returncode == 0, printed or done.stdout + done.stderr)


def _local(folder: Path, ours: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = ("node", f"--import=data:text/javascript,{quote(_UNION)}", _PROGRAM, "--no-color")
    instead = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{ours.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": f"{GITLAB}/GROUP/debpress.git",
    }
    return run([*program, *arguments], folder, ours.parent, instead)
