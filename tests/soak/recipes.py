"""The recipes for sbuild and Jenkins: a package built in a chroot by sbuild and published by its
hook; a Jenkinsfile run by Groovy, with a Pipeline of ours.

Takes root, a mirror, sbuild, Groovy and, the first time, a minute for the chroot, so `make test`
leaves it out:

    python -m pytest tests/soak/recipes.py
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from local import debs, paths
from local.ci import Ci
from local.stack import Stack
from tests.support import trixie
from tests.support.ci_projects import project, run
from tests.support.recipes import installed, recipe, source

SUITE = "bookworm"
# What the machine says of root, as sbuild needs it, and nobody else sees it: whose ids it may use,
# and its home, since the hook has no HOME.
_IDS = "root:100000:65536\n"
_AS_ROOT = 'for file in "$0"/*; do mount --bind "$file" "/etc/${file##*/}"; done; exec "$@"'


def _chroot(home: Path) -> None:
    """Puts one where sbuild looks for it."""
    kept = trixie.bootstrapped(f"{SUITE}.tar", SUITE, "buildd")
    shown = subprocess.run(
        ["dpkg", "--print-architecture"], check=True, capture_output=True, text=True
    )
    cache = home / ".cache/sbuild"
    cache.mkdir(parents=True)
    (cache / f"{SUITE}-{shown.stdout.strip()}.tar").symlink_to(kept)


def _sbuild(tree: Path, home: Path) -> tuple[int, str]:
    """How it ends, and the log of the build. sbuild passes AWS's variables to nobody."""
    etc = home / "etc"
    etc.mkdir(exist_ok=True)
    users = Path("/etc/passwd").read_text("utf-8")
    users = re.sub(r"^(root:.*):[^:]*:([^:]*)$", rf"\1:{home}:\2", users, flags=re.MULTILINE)
    for name, text in (("subuid", _IDS), ("subgid", _IDS), ("passwd", users)):
        (etc / name).write_text(text)
    done = subprocess.run(
        [
            *("unshare", "--mount", "sh", "-c", _AS_ROOT, str(etc)),
            *("sbuild", "--chroot-mode=unshare", f"--dist={SUITE}", "--arch-all"),
            *("--no-clean-source", "--no-run-lintian", f"--build-dir={tree.parent}"),
        ],
        cwd=tree, capture_output=True, text=True, timeout=600, check=False,
        env={"HOME": str(home), "PATH": os.environ["PATH"]},
    )  # fmt: skip
    logs = sorted(tree.parent.glob("*.build"), key=lambda log: log.stat().st_mtime)
    return done.returncode, logs[-1].read_text("utf-8", "replace") if logs else done.stderr


@pytest.mark.skipif(
    not (trixie.possible() and shutil.which("sbuild") and shutil.which("newuidmap")),
    reason="sbuild takes root, mmdebstrap and uidmap here: NOTHING was built in a chroot",
)
def test_what_sbuild_builds_is_published_by_the_hook_or_the_build_fails(
    stack: Stack, tmp_path: Path
) -> None:
    home, tree = tmp_path / "home", tmp_path / "build/hello-recipes"
    source(tree)
    installed(home)
    _chroot(home)
    outputs = stack.outputs
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(
        f"[default]\nregion = {outputs.region}\nendpoint_url = {outputs.endpoint_url}\n"
        f"aws_access_key_id = {outputs.access_key_id}\n"
        f"aws_secret_access_key = {outputs.secret_access_key}\n"
    )
    hook = recipe("sbuild", "perl", outputs)
    (home / ".config/sbuild").mkdir(parents=True)
    for name in (".config/sbuild/config.pl", ".sbuildrc"):
        (home / name).write_text(f"{hook}1;\n")
    code, log = _sbuild(tree, home)
    assert code == 0, log[-3000:]
    assert re.search(r"^  (?:added|unchanged) +hello-recipes +1\.0 +all", log, re.MULTILINE)

    # The same version with other bytes.
    (tree / "debian/changelog").write_text(
        (tree / "debian/changelog").read_text().replace("For tests", "For other tests")
    )
    code, log = _sbuild(tree, home)
    assert code != 0
    assert "hello-recipes_1.0_all.deb: version-reused: hello-recipes 1.0" in log
    assert "Status: failed" in log


@pytest.mark.skipif(not shutil.which("groovy"), reason="there is no groovy: NO Jenkinsfile was run")
def test_a_jenkinsfile_publishes_tags_alone_and_ends_with_what_was_wrong(
    ci: Ci, stack: Stack, tmp_path: Path
) -> None:
    web = project(tmp_path / "web", {"Jenkinsfile": recipe("Jenkins", "groovy", stack.outputs)})
    (web / "ci").mkdir()
    shutil.copy(paths.ROOT / "clients/upload-debs.sh", web / "ci")
    package = debs.build(web / "packages", "hello-jenkins", "1.0")
    command = ["groovy", str(Path(__file__).with_name("jenkins.groovy")), "Jenkinsfile"]
    branch = run(command, web, tmp_path / "home", ci.environment)
    assert branch.returncode == 0 and "hello-jenkins" not in branch.stdout, branch.stderr
    tag = {**ci.environment, "TAG_NAME": "v1.0"}
    green = run(command, web, tmp_path / "home", tag)
    assert green.returncode == 0, green.stderr
    assert re.search(r"^  added +hello-jenkins +1\.0 +all$", green.stdout, re.MULTILINE)
    package.write_bytes(package.read_bytes()[:-9])
    red = run(command, web, tmp_path / "home", tag)
    assert red.returncode == 1
    *_, wrong, end = red.stderr.splitlines()
    assert wrong.startswith(f"{package.name}: deb-truncated: ") and "upload it again" in wrong
    assert end == "ERROR: script returned exit code 1"
