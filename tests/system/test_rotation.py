"""Changing the key on the local stack, by the operators' command, as far as one key goes; and the
keyring package, published and installed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

from local import paths
from local.apt_root import AptRoot
from local.ci import Ci
from local.stack import Stack

KEYRING = "tests-archive-keyring"


@pytest.fixture
def debpress_key(stack: Stack, ci: Ci) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        outputs = stack.outputs
        connection = ("--endpoint-url", outputs.endpoint_url, "--bucket", outputs.bucket)
        environment = {k: v for k, v in ci.environment.items() if k != "AWS_ENDPOINT_URL"}
        return subprocess.run(
            [paths.BIN / "debpress", "key", *arguments, *connection],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def test_a_step_out_of_turn_is_refused_by_the_deployed_function(
    stack: Stack, debpress_key: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = debpress_key("rotate", "dual")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("debpress: dual comes after announce")
    assert debpress_key("rotate", "status", "--json").stdout == "null\n"


def test_the_keyring_package_is_published_and_installs(
    stack: Stack,
    debpress_key: Callable[..., subprocess.CompletedProcess[str]],
    host: Callable[..., AptRoot],
) -> None:
    done = debpress_key("package", "--publish", "--suite", "testing", "--component", "extra")
    assert done.returncode == 0, done
    apt = host("testing", "extra")
    apt.update().clean()
    apt.install(KEYRING).clean()
    root = stack.client("s3").get_object(
        Bucket=stack.outputs.bucket, Key=f"{stack.outputs.root}/key.gpg"
    )
    installed = apt.path / f"usr/share/keyrings/{KEYRING}.gpg"
    assert installed.read_bytes() == root["Body"].read()
    assert json.loads(debpress_key("show", "--json").stdout)[0]["role"] == "signs"
