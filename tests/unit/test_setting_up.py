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


def run(press: Press, ends: str = "SUCCEEDED", properties: str = "p") -> str:
    return set_up.run(press.services, Machine(press, ends), URI, properties)


def test_hosts_find_the_key_and_a_source_for_each_suite(press: Press) -> None:
    assert run(press) == press.signers.fingerprints()[0]
    binary = press.store.body("apt/key.gpg")
    assert press.store.body("apt/key.asc") == press.signers.key_asc()
    inrelease = press.store.body("apt/dists/testing/InRelease")
    assert gpgv(binary, inrelease).good
    text = press.store.body("apt/stable.sources").decode()
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
    kept = json.loads(press.store.body("state/_repository.json"))
    assert config.parse(kept) == press.repository


def test_a_suite_that_cannot_be_signed_fails_the_deployment(press: Press) -> None:
    with pytest.raises(DebpressError, match="suite stable could not be set up"):
        run(press, ends="FAILED")


# Roll-backs. CloudFormation asks for the set-up of before when one has failed.


def test_a_roll_back_after_a_failed_set_up_is_known_by_its_properties(press: Press) -> None:
    assert set_up.done(press.services, "before") is None
    fingerprint = run(press, properties="before")
    with pytest.raises(DebpressError):
        run(press, ends="FAILED", properties="after")
    assert set_up.done(press.services, "before") == fingerprint
    assert set_up.done(press.services, "after") is None


def test_one_that_changed_what_is_set_up_is_not(press: Press) -> None:
    """Something else has failed after a set-up that succeeded: it has to be set up as before."""
    run(press, properties="before")
    run(press, properties="after")
    assert set_up.done(press.services, "before") is None


def test_what_a_failed_set_up_signed_is_signed_again_by_who_signs_now(press: Press) -> None:
    run(press)
    before = press.release()
    set_up.sign_again(press.services, Machine(press, ends="FAILED"))
    assert press.release().date > before.date


@pytest.mark.parametrize("body", [b"", b"no JSON", b'{"version": 2}'])
def test_a_record_that_cannot_be_read_means_that_nothing_is_known(
    press: Press, body: bytes
) -> None:
    fingerprint = run(press)
    press.store.put("state/_setup.json", body)
    assert set_up.done(press.services, "p") is None
    assert run(press) == set_up.done(press.services, "p") == fingerprint


@pytest.mark.parametrize(
    ("origin", "package"),
    [
        ("Acme GmbH", "acme-gmbh-archive-keyring"),
        ("Debian", "debpress-debian-archive-keyring"),
        ("Ubuntu", "debpress-ubuntu-archive-keyring"),
    ],
)
def test_the_keyring_never_has_the_name_of_a_distribution_s_own(origin: str, package: str) -> None:
    """A repository that took over its Origin would else take the distribution's keys from hosts."""
    suite = {"suite": "stable", "architectures": ["amd64"], "origin": origin}
    assert config.parse({"suites": [suite]}).keyring == package
