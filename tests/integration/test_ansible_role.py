"""clients/ansible, run by Ansible against this machine, whose /etc/apt it does not see."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local import paths
from tests.integration.test_setup_script import ADDRESS, FINGERPRINT, Archive, served
from tests.support import bare_root

ANSIBLE = paths.LOCAL / "ansible/bin/ansible-playbook"
# In place of the machine's own, for the processes of one play.
HIDDEN = ("/etc/apt", "/var/lib/apt", "/var/cache/apt")

pytestmark = pytest.mark.xfail(
    not bare_root.allowed(), run=False, reason="this machine lets nobody change the root"
)


@pytest.fixture(scope="module")
def archive() -> Iterator[Archive]:
    assert ANSIBLE.exists(), "make it by `python -m local.environments ansible`, as make test does"
    with served() as found:
        yield found


class Host:
    """This machine with an apt of its own below `folder`."""

    def __init__(self, folder: Path, archive: Archive) -> None:
        self.folder = folder
        for name in ("sources.list.d", "apt.conf.d", "preferences.d"):
            (folder / "etc/apt" / name).mkdir(parents=True)
        for name in ("var/lib/apt/lists/partial", "var/cache/apt/archives/partial"):
            (folder / name).mkdir(parents=True)
        page = (paths.ROOT / "docs/hosts.md").read_text("utf-8")
        (example,) = re.findall(r"^```yaml\n(- hosts:.*?)^```$", page, re.M | re.S)
        text = example.replace(ADDRESS, archive.address)
        (self.play,) = yaml.safe_load(text.replace(FINGERPRINT, archive.fingerprint))

    def run(self, **variables: Any) -> tuple[int, str]:
        """Plays the page's example, with some variables replaced: how many things were changed, or
        -1 where it failed; and what was said."""
        (role,) = self.play["roles"]
        script = {"debpress_host_script": str(self.folder / "setup.sh")}
        play = {
            **self.play,
            "hosts": "localhost",
            "gather_facts": False,
            "roles": [{**role, **script, **variables}],
        }
        (self.folder / "play.yml").write_text(json.dumps([play]))
        mounts = " && ".join(f'mount --bind "$0{each}" {each}' for each in HIDDEN)
        done = subprocess.run(
            [
                *("unshare", "--mount", "sh", "-c", f'{mounts} && exec "$@"', self.folder, ANSIBLE),
                *("--connection=local", "--inventory=localhost,", self.folder / "play.yml"),
            ],
            env={
                "ANSIBLE_ROLES_PATH": str(paths.ROOT / "clients/ansible/roles"),
                "ANSIBLE_NOCOLOR": "1",
                "HOME": str(self.folder),
                "LC_ALL": "C.UTF-8",
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        changed = re.search(r"changed=(\d+)", done.stdout)
        said = done.stdout + done.stderr
        return (int(changed[1]) if done.returncode == 0 and changed else -1), said

    def sources(self) -> list[str]:
        return sorted(each.name for each in (self.folder / "etc/apt/sources.list.d").iterdir())


def test_a_play_sets_up_changes_nothing_again_and_takes_it_back(
    archive: Archive, tmp_path: Path
) -> None:
    host = Host(tmp_path, archive)
    changed, said = host.run()
    assert changed == 2, said  # the script, and what it did
    assert host.sources() == ["debpress-stable.sources"]
    assert list((tmp_path / "var/lib/apt/lists").glob("*_dists_stable_InRelease")), said
    changed, said = host.run()
    assert changed == 0, said
    changed, said = host.run(
        debpress_host_suites=["stable", "testing"], debpress_host_components=["main"]
    )
    assert changed == 1, said
    assert host.sources() == ["debpress-stable.sources", "debpress-testing.sources"]
    changed, said = host.run(debpress_host_state="absent")
    assert changed == 1, said
    assert host.sources() == []


def test_a_token_is_there_before_the_repository_is_read_and_never_shown(
    archive: Archive, tmp_path: Path
) -> None:
    host = Host(tmp_path, archive)
    (tmp_path / "etc/apt/auth.conf.d").mkdir()
    line = f"machine {archive.address} login web password s3cr3t"
    changed, said = host.run(debpress_host_auth_conf=line)
    assert changed == 3, said
    (file,) = (tmp_path / "etc/apt/auth.conf.d").iterdir()
    assert (file.read_text(), file.stat().st_mode & 0o777) == (f"{line}\n", 0o600)
    assert "s3cr3t" not in said
    changed, said = host.run(debpress_host_state="absent")
    assert changed == 2 and not file.exists(), said


def test_a_play_fails_by_another_key_and_without_one(archive: Archive, tmp_path: Path) -> None:
    host = Host(tmp_path, archive)
    changed, said = host.run(debpress_host_fingerprints=[FINGERPRINT])
    assert changed == -1 and f"has the fingerprint {FINGERPRINT}" in said
    changed, said = host.run(debpress_host_fingerprints=[])
    assert changed == -1 and "debpress_host_fingerprints whom to trust" in said
    assert host.sources() == []
