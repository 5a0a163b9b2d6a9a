"""docs/ci.md's workflow and include, as they stand there, run by programs that run such jobs."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from local import debs
from local.apt_root import AptRoot
from local.stack import Stack
from tests.support import github_jobs, gitlab_jobs
from tests.support.ci_projects import CLIENTS, GITLAB, example, project

SCRIPT = CLIENTS / "upload-debs.sh"
ROLE = "arn:aws:iam::000000000000:role/ci"
# What is told of a package that is cut short: what is wrong, and what to do.
WRONG = r"is cut short: its member 'data.tar.xz' is \d+ bytes and \d+ are there; upload it again"
_COMPONENT = "component: $CI_SERVER_FQDN/GROUP/debpress/debpress@v1"


@pytest.fixture
def job(stack: Stack) -> Mapping[str, str]:
    """What a job has besides, since it isn't AWS that it calls."""
    return {"AWS_ENDPOINT_URL": stack.outputs.endpoint_url}


@pytest.fixture
def installs(host: Callable[..., AptRoot]) -> Callable[[str], bool]:
    def install(package: str) -> bool:
        root = host("testing")
        root.update().clean()
        root.install(package).clean()
        return root.installed(package) == "1.0"

    return install


def _cut(packages: Path) -> str:
    """Cuts a package short; gives its file's name."""
    (package,) = packages.glob("*.deb")
    package.write_bytes(package.read_bytes()[:-9])
    return package.name


def test_the_workflow_publishes_by_the_action_and_a_wrong_package_is_a_red_run(
    stack: Stack, job: Mapping[str, str], installs: Callable[[str], bool], tmp_path: Path
) -> None:
    workflow = example("GitHub Actions", stack.outputs, ROLE, {})
    web = project(tmp_path / "web", {github_jobs.WORKFLOW: workflow})
    debs.build(web / "packages", "hello-github", "1.0")
    green = github_jobs.push(web, job, "repo:my-org@1/web@2:ref:refs/tags/v1.0")
    assert green.green, green.log
    assert green.log.count("::group::") == green.log.count("::endgroup::") == 2
    assert "| added | hello-github | 1.0 | all |" in green.summary
    assert re.search(r"apt-get install hello-github=1\.0$", green.summary, re.MULTILINE)
    assert installs("hello-github")

    wrong = _cut(web / "packages")
    red = github_jobs.push(web, job, "repo:my-org@1/web@2:ref:refs/tags/v1.0")
    assert not red.green
    assert red.summary.startswith("### Not published to testing/main: rejected\n")
    assert re.fullmatch(f"{wrong}: deb-truncated: {WRONG}", red.log.splitlines()[-1]), red.log
    (annotation,) = red.annotations
    where = f"::error file=dist/{wrong},title={wrong}%3A deb-truncated::"
    assert re.fullmatch(where + WRONG, annotation)


def test_gitlab_s_job_publishes_and_a_wrong_package_is_a_red_job(
    stack: Stack, job: Mapping[str, str], installs: Callable[[str], bool], tmp_path: Path
) -> None:
    address = f"{GITLAB}/GROUP/debpress/-/raw/v1/clients/upload-debs.sh"
    digest = hashlib.sha256(SCRIPT.read_bytes()).hexdigest()
    included = example("GitLab", stack.outputs, ROLE, {"THE-SCRIPTS-SHA-256": digest})
    web = project(tmp_path / "web", {gitlab_jobs.FILE: included.replace(address, SCRIPT.as_uri())})
    debs.build(web / "packages", "hello-gitlab", "1.0")
    subject = "project_path:GROUP/web:ref_type:tag:ref:v1.0"
    green = gitlab_jobs.release_pipeline(web, job, subject)
    assert green.green, green.log
    assert re.search(r"^  added +hello-gitlab +1\.0 +all$", green.log, re.MULTILINE)
    assert installs("hello-gitlab")

    # The same as a component, and with a copy of the script.
    component, times = re.subn(r"project: .*\n.*ref: .*\n.*file: .*", _COMPONENT, included)
    assert times == 1
    copy = component.replace(address, "file://$CI_PROJECT_DIR/ci/upload-debs.sh")
    (web / gitlab_jobs.FILE).write_text(copy)
    (web / "ci").mkdir()
    shutil.copy(SCRIPT, web / "ci")
    wrong = _cut(web / "packages")
    red = gitlab_jobs.release_pipeline(web, job, subject)
    assert not red.green
    assert re.fullmatch(f"{wrong}: deb-truncated: {WRONG}", red.log.splitlines()[-1]), red.log
