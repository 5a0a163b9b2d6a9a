"""apt and sqv of Debian 13, in a root made by mmdebstrap, on signatures of every kind.

Takes minutes, root, a mirror and mmdebstrap, so `make test` leaves it out:

    DEBPRESS_SIGNATURES=500 python -m pytest tests/soak/hosts_of_trixie.py
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from debpress import openpgp, signing
from debpress.adapters.gnupg import GnupgService

from layers.gnupg import bundle
from tests.support import trixie
from tests.support.clock import FakeClock
from tests.support.fake_kms import FakeKms
from tests.support.gpg import PASSPHRASE, gpg
from tests.support.press import keys
from tests.support.rotation import GOES_ON, NEXT, Rotation

COUNT = int(os.environ.get("DEBPRESS_SIGNATURES", "20"))
NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
SPECS = ["RSA_2048", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_EDWARDS25519"]
BUNDLED = ["rsa4096", "nistp256", "ed25519"]
PACKAGES = b"Package: lab\nVersion: 1\nArchitecture: amd64\nFilename: pool/lab.deb\nSize: 1\n\n"

pytestmark = pytest.mark.skipif(
    not trixie.possible(),
    reason="a root of trixie takes root and mmdebstrap: the apt of trixie judged NOTHING here",
)


@pytest.fixture(scope="session")
def root() -> Path:
    return trixie.made()


class Host:
    """The root, with a repository in it; sees what it trusts and no other key."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.place = root / "srv/lab"
        self.dist = self.place / "dists/lab"
        shutil.rmtree(self.place, ignore_errors=True)
        (self.dist / "main/binary-amd64").mkdir(parents=True)
        (self.dist / "main/binary-amd64/Packages").write_bytes(PACKAGES)
        for folder in ("etc/apt/sources.list.d", "var/lib/apt/lists"):
            shutil.rmtree(root / folder, ignore_errors=True)
            (root / folder).mkdir()
        (root / "var/lib/apt/lists/partial").mkdir()
        (root / "etc/apt/sources.list").write_text(
            "deb [signed-by=/srv/lab/key.asc arch=amd64] file:/srv/lab lab main\n"
        )

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["chroot", self.root, *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
        )

    def publish(self, signers: signing.Signers, key: bytes, number: int) -> None:
        shutil.rmtree(self.root / "var/lib/apt/lists")
        (self.root / "var/lib/apt/lists/partial").mkdir(parents=True)
        (self.place / "key.asc").write_bytes(key)
        document = signers.clearsign(release(number), NOW)
        (self.dist / "InRelease").write_bytes(document)

    def update(self) -> str:
        done = self.run("apt-get", "update", "-o", "APT::Update::Error-Mode=any")
        said = done.stdout + done.stderr
        return "" if done.returncode == 0 and "W:" not in said else said or "failed"


def release(number: int) -> bytes:
    digest = hashlib.sha256(PACKAGES).hexdigest()
    return (
        f"Origin: lab\nLabel: lab {number}\nSuite: lab\nCodename: lab\n"
        "Date: Sun, 01 Jun 2025 12:00:00 UTC\nArchitectures: amd64\nComponents: main\nSHA256:\n"
        f" {digest} {len(PACKAGES)} main/binary-amd64/Packages\n"
    ).encode()


def kms_signers(*specs: str) -> signing.Signers:
    kms = FakeKms()
    uris = [f"awskms:{kms.create_key(spec)}" for spec in specs]
    return signing.load(uris, keys(kms.service, clock=FakeClock(NOW), user_id="Lab"))


def bundled_signers(folder: Path, algorithm: str) -> signing.Signers:
    with gpg() as home:
        fingerprint = home.make(algorithm)
        (folder / "key.gpg").write_bytes(home.secret(armored=False))
    machine = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]
    service = GnupgService(bundle.programs(machine) / "bin", folder, lambda _: PASSPHRASE)
    where = keys(FakeKms().service, clock=FakeClock(NOW), user_id="", gnupg=lambda: service)
    return signing.load([f"gnupg:{fingerprint}?secret=lab"], where)


@pytest.fixture(params=[*SPECS, *BUNDLED])
def signers(request: pytest.FixtureRequest, tmp_path: Path) -> signing.Signers:
    if request.param in SPECS:
        return kms_signers(request.param)
    return bundled_signers(tmp_path, request.param)


def test_apt_takes_clear_signed_releases(root: Path, signers: signing.Signers) -> None:
    host = Host(root)
    for number in range(COUNT):
        host.publish(signers, signers.key_asc(), number)
        assert host.update() == ""
    assert "Package: lab" in host.run("apt-cache", "dumpavail").stdout


def test_sqv_takes_detached_signatures(root: Path, signers: signing.Signers) -> None:
    host = Host(root)
    (host.place / "key.asc").write_bytes(signers.key_asc())
    files = ["/srv/lab/signature", "/srv/lab/text"]
    for number in range(COUNT):
        text = release(number)
        made = signers.detached(text, NOW + timedelta(seconds=number))
        (host.place / "signature").write_bytes(made)
        (host.place / "text").write_bytes(text)
        done = host.run("sqv", "--keyring", "/srv/lab/key.asc", "--signature-file", *files)
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == signers.fingerprints()


@pytest.mark.parametrize(
    ("trusted", "good"),
    [
        (lambda s, _: s.key_asc(), True),
        (lambda s, _: signing_key(s, 0), True),
        (lambda s, _: signing_key(s, 1), True),
        (lambda _, other: other.key_asc(), False),
    ],
    ids=["both", "old", "new", "neither"],
)
def test_while_two_keys_sign_a_host_needs_one(
    root: Path, trusted: Callable[[signing.Signers, signing.Signers], bytes], good: bool
) -> None:
    both, other = kms_signers("RSA_2048", "ECC_NIST_P256"), kms_signers("ECC_NIST_P384")
    host = Host(root)
    host.publish(both, trusted(both, other), 1)
    assert (host.update() == "") is good


def test_at_each_stage_of_a_rotation_hosts_go_on_or_fail_as_the_procedure_says(
    root: Path,
) -> None:
    rotation = Rotation(uri="file:/srv/lab/apt").stand_at("announce")
    host = Host(root)
    (root / "etc/apt/sources.list").write_text(
        "deb [signed-by=/srv/lab/key.asc arch=amd64] file:/srv/lab/apt stable main\n"
    )
    for stage, expected in GOES_ON.items():
        for key in rotation.store.keys("apt/"):
            (host.place / key).parent.mkdir(parents=True, exist_ok=True)
            (host.place / key).write_bytes(rotation.store.body(key))
        for names, good in expected.items():
            shutil.rmtree(root / "var/lib/apt/lists")
            (root / "var/lib/apt/lists/partial").mkdir(parents=True)
            keys = b"".join(rotation.certificate(name) for name in names)
            (host.place / "key.asc").write_bytes(openpgp.armor(keys, "PUBLIC KEY BLOCK"))
            said = host.update()
            assert (said == "") is good, (stage, names, said)
            assert good or "Missing key" in said, (stage, names, said)
        if stage in NEXT:
            step, days = NEXT[stage]
            rotation.wait(days)
            rotation.take(step)


def signing_key(signers: signing.Signers, number: int) -> bytes:
    return openpgp.armor(signers.certificates()[number], "PUBLIC KEY BLOCK")
