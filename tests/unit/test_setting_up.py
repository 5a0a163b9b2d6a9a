"""Set-up: what a deployment leaves for hosts to find, and how it fails loudly."""

from __future__ import annotations

import json
from typing import Any

import pytest
from debpress import config, signing
from debpress.errors import DebpressError
from debpress.steps import set_up

from tests.support.fake_kms import FakeKms
from tests.support.press import Press, keys
from tests.support.verifiers import gpgv

URI = "https://bucket.example/apt"


class Machine:
    """The workflow, run at once when it is started."""

    def __init__(self, press: Press, ends: str = "SUCCEEDED") -> None:
        self.press = press
        self.ends = ends
        self.asked: dict[str, int] = {}

    def start(self, data: dict[str, Any]) -> str:
        for _ in self.press.flip(data["suite"]):
            pass
        self.asked[data["suite"]] = 0
        return str(data["suite"])

    def state(self, execution: str) -> str:
        self.asked[execution] += 1
        return self.ends if self.asked[execution] > 2 else "RUNNING"


@pytest.fixture
def press() -> Press:
    made = Press(signers=None)  # type: ignore[arg-type]
    kms = FakeKms()
    key = kms.create_key("ECC_NIST_EDWARDS25519")
    found = keys(kms.service, key, made.clock, archive=made.archive)
    made.signers = signing.load(["awskms:"], found)
    return made


def run(press: Press, ends: str = "SUCCEEDED") -> str:
    return set_up.run(press.services, Machine(press, ends), URI)


def test_hosts_find_the_key_and_a_source_for_each_suite(press: Press) -> None:
    assert run(press) == press.signers.fingerprints()[0]
    binary = press.store.get("apt/key.gpg").body
    assert press.store.get("apt/key.asc").body == press.signers.key_asc()
    inrelease = press.store.get("apt/dists/testing/InRelease").body
    assert gpgv(binary, inrelease).good
    text = press.store.get("apt/stable.sources").body.decode()
    head, key = text.split("Signed-By:\n")
    assert head.splitlines() == [
        "Types: deb",
        f"URIs: {URI}",
        "Suites: stable",
        "Components: main extra",
        "Architectures-Remove: armel armhf i386 loong64 mips64el mipsel powerpc ppc64 ppc64el "
        "riscv64 s390x x32 amd64v1 amd64v2 amd64v3 amd64v4",
    ]
    unfolded = "\n".join("" if line == " ." else line[1:] for line in key.splitlines())
    assert unfolded.encode() == press.signers.key_asc().strip()


def test_the_configuration_is_left_for_operators(press: Press) -> None:
    run(press)
    kept = json.loads(press.store.get("state/_repository.json").body)
    assert config.parse(kept) == press.repository


def test_a_suite_that_cannot_be_signed_fails_the_deployment(press: Press) -> None:
    with pytest.raises(DebpressError, match="suite stable could not be set up"):
        run(press, ends="FAILED")
