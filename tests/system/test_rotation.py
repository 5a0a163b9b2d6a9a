"""Changing the key on the local stack, by the operators' command, as far as one key goes; and the
keyring package, published and installed."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from local.apt_root import AptRoot
from local.ci import Ci
from local.stack import Stack
from tests.support.operator import Debpress
from tests.support.uploads import Uploads

KEYRING = "tests-archive-keyring"


@pytest.fixture
def debpress(stack: Stack, ci: Ci) -> Debpress:
    return Debpress(Uploads(stack, ci))


def test_a_step_out_of_turn_is_refused_by_the_deployed_function(
    stack: Stack, debpress: Debpress
) -> None:
    done = debpress.run("key", "rotate", "dual")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("debpress: dual comes after announce")
    assert debpress.run("key", "rotate", "status", "--json").stdout == "null\n"


def test_the_keyring_package_is_published_and_installs(
    stack: Stack,
    debpress: Debpress,
    host: Callable[..., AptRoot],
) -> None:
    done = debpress.run("key", "package", "--publish", "--suite", "testing", "--component", "extra")
    assert done.returncode == 0, done
    apt = host("testing", "extra")
    apt.update().clean()
    apt.install(KEYRING).clean()
    root = stack.client("s3").get_object(
        Bucket=stack.outputs.bucket, Key=f"{stack.outputs.root}/key.gpg"
    )
    installed = apt.path / f"usr/share/keyrings/{KEYRING}.gpg"
    assert installed.read_bytes() == root["Body"].read()
    assert json.loads(debpress.run("key", "show", "--json").stdout)[0]["role"] == "signs"
