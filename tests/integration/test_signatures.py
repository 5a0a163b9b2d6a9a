"""Signatures by KMS keys, judged by the programs that judge them on hosts: gpgv, sqv and gpg.

DEBPRESS_SIGNATURES sets how many signatures of each kind are tried (40 unless told).
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from debpress import openpgp, signing
from debpress.archive import Archive
from debpress.errors import SigningError
from debpress.layout import Layout
from debpress.openpgp import packets, signatures
from debpress.openpgp.packets import Cursor
from debpress.signing.signers import BACK_DATED

from local.apt_root import AptRoot
from tests.support import verifiers
from tests.support.clock import FakeClock
from tests.support.fake_kms import FakeKms, Private
from tests.support.memory_store import MemoryStore
from tests.support.press import keys

MISSING = [name for name in ("gpg", "gpgv", "sqv") if shutil.which(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

COUNT = int(os.environ.get("DEBPRESS_SIGNATURES", "40"))

# Past for whoever runs this: sqv compares with the machine's own clock.
NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)

SPECS = [
    *("RSA_2048", "RSA_3072", "RSA_4096"),
    *("ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_EDWARDS25519"),
]

RELEASE = """\
Origin: lab
Label: Läb
Suite: lab
Date: Sun, 01 Jun 2025 12:00:00 UTC
Description: from -dashes- to the end

- a dash, a blank
-- two
-----BEGIN PGP SIGNATURE-----
From nobody
"""


EMPTY_SUITE = """\
Origin: lab
Label: lab {number}
Suite: lab
Codename: lab
Date: Sun, 01 Jun 2025 12:00:00 UTC
Architectures: amd64
Components: main
SHA256:
 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0 main/binary-amd64/Packages
"""


def release(number: int) -> bytes:
    return f"{RELEASE}SHA256:\n {number:064x} {number} main/binary-amd64/Packages\n".encode()


class Press:
    """Signers upon a fake KMS, one of each spec."""

    def __init__(self, *specs: str, now: datetime = NOW) -> None:
        self.kms = FakeKms()
        made = [self.kms.create_key(spec, private=_private(spec)) for spec in specs]
        self.uris = [f"awskms:{key}" for key in made]
        self.clock = FakeClock(now)
        self.archive = Archive(MemoryStore(), Layout(), self.clock)
        self.signers = self.load(*self.uris)

    def load(self, *uris: str) -> signing.Signers:
        user_id = "Läb signing key <lab@example.org>"
        found = keys(self.kms.service, clock=self.clock, archive=self.archive, user_id=user_id)
        return signing.load(uris, found)


def shortest_number(document: bytes) -> int:
    """The bits of the shortest number of a document's signatures."""
    _, found = openpgp.split(document)
    bits = []
    for each in packets.read(b"".join(found)):
        cursor = Cursor(signatures.parse(each).value)
        while cursor.left:
            bits.append(cursor.mpi().bit_length())
    return min(bits)


@functools.cache
def _private(spec: str) -> Private | None:
    """RSA keys take seconds to make, so all tests share one of each size."""
    if not spec.startswith("RSA"):
        return None
    kms = FakeKms()
    return kms.private(kms.create_key(spec))


@pytest.fixture(scope="module", params=SPECS)
def press(request: pytest.FixtureRequest) -> Iterator[Press]:
    yield Press(request.param)


def accepted(press: Press, *verdicts: verifiers.Verdict) -> bool:
    """Whether each verifier found a good signature of every signer; shows what they said."""
    for verdict in verdicts:
        assert verdict.good, verdict.output
        assert sorted(verdict.fingerprints) == sorted(press.signers.fingerprints()), verdict.output
    return True


def test_clear_signed_releases_are_accepted(press: Press) -> None:
    signers = press.signers
    for number in range(COUNT):
        document = signers.clearsign(release(number), NOW + timedelta(seconds=number))
        assert accepted(
            press,
            verifiers.gpgv(signers.key_gpg(), document),
            verifiers.gpg(signers.key_gpg(), document),
            verifiers.sqv(signers.key_asc(), document),
        )


def test_detached_signatures_are_accepted(press: Press) -> None:
    signers = press.signers
    for number in range(COUNT):
        text = release(number)
        signature = signers.detached(text, NOW + timedelta(seconds=number))
        assert accepted(
            press,
            verifiers.gpgv_detached(signers.key_gpg(), signature, text),
            verifiers.gpg_detached(signers.key_gpg(), signature, text),
            verifiers.sqv_detached(signers.key_gpg(), signature, text),
        )


def test_apt_takes_them(press: Press, tmp_path: Path) -> None:
    """All of them in a soak; some of them else, for apt asks gpgv or sqv in its own words only."""
    dist = tmp_path / "dists/lab"
    dist.mkdir(parents=True)
    key = tmp_path / "key.asc"
    key.write_bytes(press.signers.key_asc())
    source = f"deb [signed-by={key}] file:{tmp_path} lab main"
    for number in range(COUNT if COUNT >= 500 else 3):
        text = EMPTY_SUITE.format(number=number).encode()
        (dist / "InRelease").write_bytes(press.signers.clearsign(text, NOW))
        # A new host each time: one that knows this release from before would not look at it again.
        AptRoot(tmp_path / "host", source).update().clean()
        shutil.rmtree(tmp_path / "host")


@pytest.mark.parametrize(
    ("spec", "bits"),
    [
        ("RSA_2048", 2048),
        ("ECC_NIST_P256", 256),
        ("ECC_NIST_P384", 384),
        ("ECC_NIST_EDWARDS25519", 256),
    ],
)
def test_numbers_that_begin_with_a_zero_byte_are_accepted(spec: str, bits: int) -> None:
    """One signature in 256 has one; written as KMS gives it, sqv refuses that."""
    press = Press(spec)
    found = 0
    for number in range(10_000):
        document = press.signers.clearsign(release(number), NOW)
        if shortest_number(document) <= bits - 8:
            found += 1
            assert accepted(
                press,
                verifiers.gpgv(press.signers.key_gpg(), document),
                verifiers.sqv(press.signers.key_asc(), document),
            )
        if found == 3:
            return
    pytest.fail("10,000 signatures without a leading zero byte")


def test_gpg_imports_the_certificates(press: Press) -> None:
    for certificate in (press.signers.key_asc(), press.signers.key_gpg()):
        verdict = verifiers.gpg_import(certificate)
        assert verdict.good, verdict.output
        assert list(verdict.fingerprints) == press.signers.fingerprints()
        assert "Läb signing key <lab@example.org>" in verdict.output


def test_a_changed_text_is_refused_by_all(press: Press) -> None:
    signers = press.signers
    document = signers.clearsign(release(1), NOW)
    signature = signers.detached(release(1), NOW)
    changed = document.replace(b"Suite: lab", b"Suite: lib")
    other = release(2)
    assert not verifiers.gpgv(signers.key_gpg(), changed).good
    assert not verifiers.sqv(signers.key_gpg(), changed).good
    assert not verifiers.gpgv_detached(signers.key_gpg(), signature, other).good
    assert not verifiers.sqv_detached(signers.key_gpg(), signature, other).good
    with pytest.raises(SigningError, match="changed"):
        openpgp.verify_clearsigned(changed, signers.certificates())
    with pytest.raises(SigningError, match="changed"):
        openpgp.verify_detached(other, signature, signers.certificates())


def test_a_key_the_host_does_not_trust_is_refused_by_all(press: Press) -> None:
    stranger = Press("ECC_NIST_P256", now=NOW - timedelta(days=1))
    document = press.signers.clearsign(release(1), NOW)
    assert not verifiers.gpgv(stranger.signers.key_gpg(), document).good
    assert not verifiers.sqv(stranger.signers.key_gpg(), document).good
    with pytest.raises(SigningError, match="none of the repository's certificates"):
        openpgp.verify_clearsigned(document, stranger.signers.certificates())


# Several signers


def test_two_signers_satisfy_a_host_that_trusts_both() -> None:
    press = Press("RSA_4096", "ECC_NIST_EDWARDS25519")
    signers = press.signers
    document, signature = signers.clearsign(release(1), NOW), signers.detached(release(1), NOW)
    assert accepted(
        press,
        verifiers.gpgv(signers.key_gpg(), document),
        verifiers.gpgv_detached(signers.key_gpg(), signature, release(1)),
    )
    for verdict in (
        verifiers.sqv(signers.key_asc(), document),
        verifiers.sqv_detached(signers.key_asc(), signature, release(1)),
    ):
        assert verdict.good, verdict.output
    assert list(verifiers.gpg_import(signers.key_asc()).fingerprints) == signers.fingerprints()


def test_two_signers_of_different_hashes_share_a_document() -> None:
    press = Press("ECC_NIST_P256", "RSA_2048", "ECC_NIST_P384")
    document = press.signers.clearsign(release(1), NOW)
    assert b"\nHash: SHA256, SHA384, SHA512\n" in document
    assert accepted(press, verifiers.gpgv(press.signers.key_gpg(), document))
    assert verifiers.sqv(press.signers.key_asc(), document).good


@pytest.mark.parametrize("trusted", [0, 1])
def test_a_host_that_trusts_only_one_of_two_signers_sees_its_signature(trusted: int) -> None:
    """gpgv alone exits with an error for the unknown one; apt reads its status, which is good."""
    press = Press("RSA_4096", "ECC_NIST_P256")
    document = press.signers.clearsign(release(1), NOW)
    signature = press.signers.detached(release(1), NOW)
    keyring = press.signers.certificates()[trusted]
    name = (press.signers.fingerprints()[trusted],)
    assert verifiers.gpgv(keyring, document).fingerprints == name
    assert verifiers.gpgv_detached(keyring, signature, release(1)).fingerprints == name
    assert verifiers.sqv(keyring, document).fingerprints == name
    assert verifiers.sqv_detached(keyring, signature, release(1)).fingerprints == name


# What gpg makes


class Gpg:
    """A gpg of its own, whose clock tests set (`20250601T120000`)."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(self, when: str, *arguments: str, text: bytes = b"") -> bytes:
        command = [
            "gpg",
            "--homedir",
            str(self.home),
            "--batch",
            "--no-tty",
            "--passphrase",
            "",
            "--pinentry-mode",
            "loopback",
            "--faked-system-time",
            f"{when}!",
            *arguments,
        ]
        done = subprocess.run(command, input=text, capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def make_key(self, when: str, algorithm: str, life: str) -> None:
        self.run(when, "--quick-gen-key", "Lab <lab@example.org>", algorithm, "sign", life)


@pytest.fixture
def gpg() -> Iterator[Gpg]:
    # Below /tmp itself: an agent's socket must have a short path.
    with tempfile.TemporaryDirectory() as folder:
        made = Gpg(Path(folder))
        yield made
        subprocess.run(["gpgconf", "--homedir", folder, "--kill", "all"], check=False, timeout=60)


@pytest.mark.parametrize("algorithm", ["rsa2048", "ed25519", "nistp256", "nistp384"])
def test_what_gpg_signs_verifies_here(gpg: Gpg, algorithm: str) -> None:
    gpg.make_key("20250101T000000", algorithm, "never")
    certificates = [gpg.run("20250601T120000", "--armor", "--export")]
    document = gpg.run("20250601T120000", "--clearsign", text=release(1))
    signature = gpg.run("20250601T120000", "--detach-sign", text=release(1))
    assert openpgp.split(document)[0] == release(1)
    openpgp.verify_clearsigned(document, certificates)
    openpgp.verify_detached(release(1), signature, certificates)
    with pytest.raises(SigningError, match="changed"):
        openpgp.verify_detached(release(2), signature, certificates)


def test_a_signature_must_be_made_before_its_key_expires(gpg: Gpg) -> None:
    gpg.make_key("20250101T000000", "ed25519", "30d")
    before = gpg.run("20250110T000000", "--export")
    document = gpg.run("20250120T000000", "--clearsign", text=release(1))
    openpgp.verify_clearsigned(document, [before])
    (name,) = verifiers.gpg_import(before).fingerprints
    gpg.run("20250111T000000", "--quick-set-expire", name, "3d")
    shortened_key = gpg.run("20250112T000000", "--export")
    with pytest.raises(SigningError, match="after that key expired"):
        openpgp.verify_clearsigned(document, [shortened_key])
    gpg.run("20250112T000000", "--quick-set-expire", name, "90d")
    after = gpg.run("20250113T000000", "--export")
    openpgp.verify_clearsigned(document, [after])
    # With both self-signatures in it, as a key server gives them: the newest counts.
    key, user, older = (each.raw for each in packets.read(shortened_key))
    newer = packets.read(after)[2].raw
    openpgp.verify_clearsigned(document, [key + user + older + newer])
    openpgp.verify_clearsigned(document, [key + user + newer + older])


# Time


def test_a_first_signature_is_accepted_at_once() -> None:
    """Minted and signed in the same second, by a clock a little ahead of the host's."""
    now = datetime.now(UTC) + timedelta(seconds=120)
    press = Press("ECC_NIST_P256", now=now)
    document = press.signers.clearsign(release(1), now)
    assert accepted(
        press,
        verifiers.gpgv(press.signers.key_gpg(), document),
        verifiers.sqv(press.signers.key_asc(), document),
    )


def test_what_the_back_dating_is_for() -> None:
    """The same document dated as late as the clock says is refused by sqv."""
    now = datetime.now(UTC) + timedelta(seconds=120)
    press = Press("ECC_NIST_P256", now=now)
    back_dated = press.signers.clearsign(release(1), now)
    as_it_is = press.signers.clearsign(release(1), now + BACK_DATED)
    assert verifiers.sqv(press.signers.key_asc(), back_dated).good
    assert not verifiers.sqv(press.signers.key_asc(), as_it_is).good


def test_a_certificate_reloaded_later_verifies_what_was_signed_before() -> None:
    press = Press("ECC_NIST_P256")
    before = press.signers.clearsign(release(1), NOW)
    press.clock.advance(90 * 86_400)
    later = press.load(*press.uris)
    assert accepted(
        press,
        verifiers.gpgv(later.key_gpg(), before),
        verifiers.sqv(later.key_asc(), before),
    )


def test_a_signature_packet_names_its_key_twice() -> None:
    """The fingerprint for all, the key id for bookworm's gpgv, which knows only that."""
    press = Press("ECC_NIST_P256")
    _, (packet,) = openpgp.split(press.signers.clearsign(release(1), NOW))
    (fingerprint,) = press.signers.fingerprints()
    assert b"\x16\x21\x04" + bytes.fromhex(fingerprint) in packet
    assert b"\x09\x10" + bytes.fromhex(fingerprint[-16:]) in packet
