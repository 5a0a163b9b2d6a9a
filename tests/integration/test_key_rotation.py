"""A key is changed by configuration, as docs/keys.md has it: what each host sees at each stage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from debpress import signing
from debpress.publish.setting_up import set_up

from tests.support import verifiers
from tests.support.fake_kms import FakeKms
from tests.support.press import Press, debs


class Machine:
    """The workflow, run when it is started."""

    def __init__(self, press: Press) -> None:
        self.press = press

    def start(self, data: dict[str, Any]) -> str:
        for _ in self.press.flip(data["suite"], None):
            pass
        return "done"

    def state(self, _: str) -> str:
        return "SUCCEEDED"


class Rotation:
    def __init__(self) -> None:
        self.press = Press(signers=None)  # type: ignore[arg-type]
        self.kms = FakeKms()
        self.keys = {name: self.kms.create_key("ECC_NIST_P256") for name in ("old", "new")}
        self.certificates: dict[str, bytes] = {}

    def deploy(self, *names: str) -> None:
        uris = [f"awskms:{self.keys[name]}" for name in names]
        self.press.repository = replace(self.press.repository, signers=tuple(uris))
        self.press.signers = signing.load(
            uris,
            store=self.press.store,
            layout=self.press.repository.layout,
            clock=self.press.clock,
            kms=self.kms.service,
            default_key=None,
            user_id="Lab",
        )
        for name, certificate in zip(names, self.press.signers.certificates(), strict=True):
            self.certificates[name] = certificate
        set_up(self.press.store, self.press.repository, self.press.clock, Machine(self.press), "u")

    def seen_by(self, *names: str) -> tuple[bool, bool]:
        """Whether a host with those certificates takes the release: with gpgv, with sqv."""
        found = self.press.store.get("apt/dists/stable/InRelease")
        assert found is not None
        keyring = b"".join(self.certificates[name] for name in names)
        # gpgv by what it found good, as apt asks it: of an unknown signer it also complains.
        bookworm = bool(verifiers.gpgv(keyring, found.body).fingerprints)
        return bookworm, verifiers.sqv(keyring, found.body).good

    def published(self) -> bytes:
        found = self.press.store.get("apt/key.gpg")
        assert found is not None
        return found.body


@pytest.fixture
def rotation() -> Rotation:
    made = Rotation()
    made.deploy("old")
    return made


GOOD, BAD = (True, True), (False, False)


def test_no_host_is_without_a_signature_it_knows(rotation: Rotation) -> None:
    assert rotation.seen_by("old") == GOOD
    rotation.deploy("old", "new")
    assert rotation.published() == rotation.certificates["old"] + rotation.certificates["new"]
    assert rotation.seen_by("old") == rotation.seen_by("new") == GOOD
    assert rotation.seen_by("old", "new") == GOOD
    rotation.deploy("new")
    assert rotation.seen_by("new") == rotation.seen_by("old", "new") == GOOD
    assert rotation.seen_by("old") == BAD
    assert rotation.published() == rotation.certificates["new"]


def test_it_can_be_gone_back_on(rotation: Rotation) -> None:
    rotation.deploy("old", "new")
    certificates = dict(rotation.certificates)
    rotation.deploy("new")
    rotation.deploy("old", "new")
    assert rotation.seen_by("old") == rotation.seen_by("new") == GOOD
    rotation.deploy("old")
    assert rotation.seen_by("old") == GOOD
    assert rotation.certificates == certificates


def test_packages_stay_through_it(rotation: Rotation) -> None:
    started = rotation.press.upload("b1", debs(("one", "1.0", "all")))
    assert rotation.press.publish(started) == "published"
    for names in (("old", "new"), ("new",)):
        rotation.deploy(*names)
        assert {each.package for each in rotation.press.packages("amd64")} == {"one"}
