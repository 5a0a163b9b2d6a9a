"""A deployed press whose key is changed: the steps as the functions take them, hosts that judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from debpress import openpgp, signing
from debpress.codec import decode, encode
from debpress.config import RotationDays
from debpress.keys import certificates
from debpress.keys.rotation import Asked
from debpress.keys.standing import Standing, load, standing
from debpress.openpgp.certificates import Certificate
from debpress.records import rotation as records
from debpress.records.messages.sign import SignInput
from debpress.steps import rotate, set_up, sign

from tests.support import verifiers
from tests.support.clock import FakeClock
from tests.support.fake_kms import FakeKms
from tests.support.press import Press, debs, keys

DAY = 86400.0
DAYS = RotationDays(announce=2, dual=5, switch=3)
URI = "https://bucket.example/apt"

# Which hosts go on at each stage, by the certificates they have.
GOES_ON = {
    "announce": {("old",): True, ("old", "new"): True, ("new",): False},
    "dual": {("old",): True, ("old", "new"): True, ("new",): True},
    "switch": {("old",): False, ("old", "new"): True, ("new",): True},
    "retire": {("old",): False, ("old", "new"): True, ("new",): True},
}
# The step after a stage, and its wait.
NEXT = {
    "announce": ("dual", DAYS.announce),
    "dual": ("switch", DAYS.dual),
    "switch": ("retire", DAYS.switch),
}


class _Press(Press):
    """Signs and commits as the handlers do: by what the rotation says at that moment."""

    def __init__(self, kms: FakeKms, clock: FakeClock) -> None:
        super().__init__(signers=None, clock=clock)  # type: ignore[arg-type]
        self.service = kms.service()

    def _sign(self, given: dict[str, Any]) -> dict[str, Any]:
        found = keys(
            lambda _region: self.service, clock=self.clock, archive=self.archive, user_id="Lab"
        )
        loading = partial(signing.load, keys=found)
        signers = partial(load, self.archive, self.repository.signers, loading)
        return encode(sign.run(self.services, decode(SignInput, given), signers))

    def keys(self) -> Standing:
        return standing(self.archive, self.repository.signers)


class Rotation:
    """Keys `old` and `new`, of which the first is deployed. `uri` is where hosts find the root.

    It begins long ago, so that real hosts find nothing of the future after all the waiting.
    """

    def __init__(self, *names: str, uri: str = URI) -> None:
        self.uri = uri
        self.kms = FakeKms()
        self.uris = {
            name: f"awskms:{self.kms.create_key('ECC_NIST_EDWARDS25519')}"
            for name in ("old", "new", "third")
        }
        self.press = _Press(self.kms, FakeClock(datetime(2025, 6, 1, 12, tzinfo=UTC)))
        self.store, self.clock = self.press.store, self.press.clock
        self.deploy(*(names or ("old",)))

    def deploy(self, *names: str) -> None:
        """A deployment with these signers, named by key or by URI."""
        uris = tuple(self.uris.get(name, name) for name in names)
        self.press.repository = replace(self.press.repository, signers=uris, rotation_days=DAYS)
        set_up.run(self.press.services, self, self.uri, "0" * 64)

    def take(self, step: str, to: str | None = None, off: str | None = None) -> dict[str, Any]:
        asked = Asked(step, to and self.uris.get(to, to), off and self.uris[off])
        return encode(rotate.run(self.press.services, self, self.uri, asked))

    def stand_at(self, stage: str) -> Rotation:
        """Goes on to a stage, with all the waiting; `retire` is behind the last one."""
        self.take("announce", "new")
        self.deploy("old", "new")
        self.take("announce", "new")
        for step, days in (("dual", DAYS.announce), ("switch", DAYS.dual), ("retire", DAYS.switch)):
            if self.stage == stage:
                break
            self.wait(days)
            self.take(step)
        return self

    def wait(self, days: float) -> None:
        self.clock.advance(days * DAY)

    def publish(self, package: str) -> str | None:
        return self.press.publish(self.press.upload(package, debs((package, "1.0", "all"))))

    @property
    def record(self) -> records.Rotation:
        found = self.press.archive.rotation.find()
        assert found is not None
        return found.record

    @property
    def stage(self) -> str:
        return str(self.record.stage)

    # The workflow, as set-up sees it

    def start(self, data: dict[str, Any]) -> str:
        for _ in self.press.flip(data["suite"]):
            pass
        return "done"

    def state(self, _: str) -> str:
        return "SUCCEEDED"

    # Hosts

    def certificate(self, name: str) -> bytes:
        return self._known(name).raw

    def published(self) -> list[str]:
        """Whose certificates key.gpg holds, which key.asc and the sources agree with."""
        binary, armored = self._read("apt/key.gpg"), self._read("apt/key.asc")
        names = [name for name in self.uris if self._is_known(name)]
        found = [name for name in names if self.certificate(name) in binary]
        assert b"".join(self.certificate(name) for name in found) == binary
        listed = armored.decode().strip().splitlines()[1:-2]
        source = self._read("apt/stable.sources").decode()
        assert all(f" {line or '.'}\n" in source for line in listed)
        return found

    def trusted_by(self, file: str) -> set[str]:
        """Whom a host trusts that is set up by `key.gpg`, `key.asc` or `<suite>.sources`."""
        body = self._read(f"apt/{file}")
        if file.endswith(".sources"):
            lines = body.decode().partition("Signed-By:\n")[2].splitlines()
            body = "\n".join("" if line == " ." else line[1:] for line in lines).encode()
        found = openpgp.fingerprints([body])
        return {n for n in self.uris if self._is_known(n) and self.fingerprint(n) in found}

    def accepts(self, *names: str, suite: str = "stable") -> tuple[bool, bool]:
        """Whether a host with these certificates takes the release: with gpgv, with sqv."""
        document = self._read(f"apt/dists/{suite}/InRelease")
        keyring = b"".join(self.certificate(name) for name in names)
        # gpgv by what it found good, as apt asks it: of an unknown signer it also complains.
        bookworm = bool(verifiers.gpgv(keyring, document).fingerprints)
        return bookworm, verifiers.sqv(keyring, document).good

    def signed_by(self, suite: str = "stable") -> list[str]:
        """By gpgv, which is given every certificate there is."""
        names: Sequence[str] = [name for name in self.uris if self._is_known(name)]
        keyring = b"".join(self.certificate(name) for name in names)
        document = self._read(f"apt/dists/{suite}/InRelease")
        found = verifiers.gpgv(keyring, document).fingerprints
        return [name for name in names if self.fingerprint(name) in found]

    def signers(self, suite: str = "stable") -> list[str]:
        """As `signed_by`, by our own reading, which is quicker."""
        names = [name for name in self.uris if self._is_known(name)]
        known = [self.certificate(name) for name in names]
        found = openpgp.verify_clearsigned(self._read(f"apt/dists/{suite}/InRelease"), known)
        return [name for name in names if self.fingerprint(name) in openpgp.signers(found, known)]

    def fingerprint(self, name: str) -> str:
        return self._known(name).fingerprint

    def _is_known(self, name: str) -> bool:
        return certificates.known(self.press.archive, self.uris[name]) is not None

    def _known(self, name: str) -> Certificate:
        (found,) = certificates.announcements(self.press.archive, [self.uris[name]])
        return found.certificate

    def _read(self, key: str) -> bytes:
        found = self.store.get(key)
        assert found is not None, key
        return found.body
