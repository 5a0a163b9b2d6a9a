"""The wheel for jobs of CI: it is small, and enough. tests/system/test_clients.py uploads by it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support import debs, small_client
from tests.unit.test_commands_packages import write

MOST = 30 * 10**6
# What pip installs beside it has 1.9 MB.
BESIDE = 3 * 10**6


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    return small_client.install(tmp_path_factory.mktemp("client"))


def sizes(folder: Path) -> Iterator[int]:
    """The blocks of each file on a disk; of a module twice, since pip compiles it."""
    for path in folder.rglob("*"):
        yield (path.stat().st_size // 4096 + 1) * 4096 * (2 if path.suffix == ".py" else 1)


def test_it_is_less_than_thirty_megabytes(installed: Mapping[str, str]) -> None:
    carried = Path(installed["PYTHONPATH"], "debpress_client/carried")
    assert {"botocore", "debpress"} <= {path.name for path in carried.iterdir()}
    total = sum(sizes(carried)) + BESIDE
    assert 5 * 10**6 < total < MOST, f"{total / 1e6:.1f} MB"


def test_what_a_job_does_runs_without_the_rest(
    installed: Mapping[str, str], tmp_path: Path
) -> None:
    """Each in a process that finds nothing but the wheel and what it asks for."""
    package = write(tmp_path, "foo_1.0_all.deb", debs.deb())
    listing = write(tmp_path, "dist/foo_1.0_all.deb", debs.deb(control_form=".xz"))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*small_client.COMMAND, *arguments], env={"PATH": os.environ["PATH"], **installed},
            cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    checked = run("check", str(package), "--json")
    assert json.loads(checked.stdout)["packages"][0]["package"] == "foo", checked.stderr
    made = run("build-manifest", "dist")
    assert json.loads(made.stdout)["files"][0]["size"] == listing.stat().st_size, made.stderr
    digest = base64.b64encode(bytes(32)).decode()
    bundle = {"messageSignature": {"messageDigest": {"digest": digest}}}
    Path(f"{package}.sigstore.json").write_text(json.dumps(bundle))
    unverified = run("check", str(package))
    note, wrong = unverified.stderr.splitlines()
    assert note.startswith("note: 1 bundle(s) are read and not verified"), unverified.stderr
    assert "provenance-digest" in wrong and (unverified.returncode, unverified.stdout) == (1, "")
    operators = run("key", "check", "foo")
    assert (operators.returncode, operators.stderr.count("\n")) == (1, 1), operators.stderr
    assert "the wheel debpress in place of debpress_client" in operators.stderr
