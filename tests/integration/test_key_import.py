"""Keys that gpg made, brought into KMS: hosts that trust the old certificate notice nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.decrepit.ciphers import algorithms as old
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from debpress import signing
from debpress.adapters.kms_import import KmsImport
from debpress.archive import Archive
from debpress.errors import SigningError
from debpress.keys import importing, unlocking
from debpress.keys.importing import Destination, Exported
from debpress.layout import Layout
from debpress.openpgp import certificates, exports, packets
from debpress.openpgp.keys import PublicKey
from debpress.openpgp.packets import Tag, packet

from tests.support import verifiers
from tests.support.clock import FakeClock
from tests.support.external_kms import ExternalKms
from tests.support.gpg import PASSPHRASE, gpg
from tests.support.memory_store import MemoryStore
from tests.support.press import keys

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
RELEASE = b"Origin: lab\nSuite: lab\n- a dash\n"


class Press:
    def __init__(self) -> None:
        self.clock = FakeClock(NOW)
        self.store = MemoryStore(self.clock)
        self.archive = Archive(self.store, Layout(), self.clock)
        self.kms = ExternalKms()

    def bring(
        self,
        data: bytes,
        passphrase: Callable[[], str] = lambda: PASSPHRASE,
        *,
        fingerprint: str | None = None,
        into: str | None = None,
        multi_region: bool = False,
    ) -> importing.Imported:
        imports, service = KmsImport(self.kms.client()), self.kms.service()
        return importing.bring(
            Exported(data, passphrase, fingerprint),
            Destination(imports, service, self.archive, self.clock, into, multi_region),
        )

    def load(self, *uris: str) -> signing.Signers:
        found = keys(
            self.kms.service, clock=self.clock, archive=self.archive, user_id="Not to be used"
        )
        return signing.load(uris, found)


@pytest.fixture
def press() -> Press:
    return Press()


def accepted(signers: signing.Signers, certificate: bytes) -> verifiers.Verdict:
    """By hosts that know nothing but `certificate`; gpgv's verdict."""
    document, signature = signers.clearsign(RELEASE, NOW), signers.detached(RELEASE, NOW)
    verdicts = (
        verifiers.gpgv(certificate, document),
        verifiers.gpgv_detached(certificate, signature, RELEASE),
        verifiers.sqv(certificate, document),
        verifiers.sqv_detached(certificate, signature, RELEASE),
    )
    for verdict in verdicts:
        assert verdict.good, verdict.output
    return verdicts[0]


def _open() -> str:
    raise AssertionError("nobody is to be asked for a passphrase")


@pytest.mark.parametrize(
    "algorithm", ["rsa2048", "rsa3072", "rsa4096", "nistp256", "nistp384", "ed25519"]
)
def test_a_key_goes_on_signing_from_kms(press: Press, algorithm: str) -> None:
    with gpg() as home:
        fingerprint = home.make(algorithm)
        data, certificate = home.secret(), home.certificate()
    imported = press.bring(data)
    assert imported.uri == f"awskms:{imported.arn}#{fingerprint}"
    signers = press.load(imported.uri)
    assert signers.certificates() == [certificate]
    assert accepted(signers, certificate).fingerprints == (fingerprint,)


def test_an_unlocked_key_from_a_pipe_needs_no_passphrase(press: Press) -> None:
    with gpg("") as home:
        home.make("ed25519")
        data, certificate = home.secret(armored=False), home.certificate()
    accepted(press.load(press.bring(data, _open).uri), certificate)


def test_of_a_primary_key_and_its_subkeys_the_one_goes_that_signs(press: Press) -> None:
    with gpg() as home:
        primary = home.make("ed25519", "cert,sign")
        home.add("cv25519", "encr")
        subkey = home.add("rsa2048", "sign", when="20250103T000000")
        data, certificate = home.secret(), home.certificate()
    imported = press.bring(data)
    assert imported.key.fingerprint == subkey
    signers = press.load(imported.uri)
    assert signers.fingerprints() == [primary]
    assert accepted(signers, certificate).fingerprints == (subkey,)


def test_a_subkey_goes_without_its_primary_key(press: Press) -> None:
    """Which many keep offline; and the primary by its name, if there is a subkey too."""
    with gpg() as home:
        primary = home.make("ed25519", "cert,sign")
        subkey = home.add("rsa2048", "sign")
        data, certificate = home.run("--export-secret-subkeys"), home.certificate()
        whole = home.secret()
    with pytest.raises(SigningError, match="kept elsewhere"):
        press.bring(data, fingerprint=primary)
    assert press.kms.calls["CreateKey"] == 0
    verdict = accepted(press.load(press.bring(data, fingerprint=subkey).uri), certificate)
    assert verdict.fingerprints == (subkey,)
    other = Press()
    verdict = accepted(other.load(other.bring(whole, fingerprint=primary).uri), certificate)
    assert verdict.fingerprints == (primary,)


def test_a_key_that_kms_does_not_take_is_told_of_the_other_way(press: Press) -> None:
    with gpg() as home:
        home.make("rsa2560")
        data = home.secret()
    with pytest.raises(SigningError, match=r"KMS takes RSA of 2048.*layers/gnupg/bundle\.py"):
        press.bring(data, _open)
    assert not press.kms.calls


@pytest.mark.parametrize("algorithm", ["dsa2048", "nistp521", "secp256k1", "brainpoolP256r1"])
def test_a_key_that_debpress_can_t_verify_is_refused(press: Press, algorithm: str) -> None:
    with gpg() as home:
        home.make(algorithm)
        data = home.secret()
    with pytest.raises(SigningError, match="isn't accepted"):
        press.bring(data, _open)
    assert not press.kms.calls


def test_a_wrong_passphrase_makes_no_key(press: Press) -> None:
    with gpg() as home:
        home.make("ed25519")
        data = home.secret()
    with pytest.raises(SigningError, match="passphrase does not open"):
        press.bring(data, lambda: "another")
    assert not press.kms.calls
    assert not press.store.log


def test_the_plain_key_is_never_sent(press: Press) -> None:
    with gpg("") as home:
        home.make("rsa2048")
        data = home.secret(armored=False)
    export = exports.read_export(data)
    private = unlocking.unlock(export.keys[0], _open)
    assert isinstance(private, rsa.RSAPrivateKey)
    press.bring(data, _open)
    numbers = private.private_numbers()
    sent = b"".join(press.kms.requests)
    plain = b"".join(_decoded(each) for each in press.kms.requests)
    for number in (numbers.d, numbers.p, numbers.q):
        piece = number.to_bytes(256, "big")[-64:]
        assert piece not in sent + plain
    assert press.kms.calls["ImportKeyMaterial"] == 1


def _decoded(body: bytes) -> bytes:
    found = json.loads(body)
    return base64.b64decode(found.get("EncryptedKeyMaterial", ""))


def test_each_import_is_wrapped_by_a_key_of_its_own(press: Press) -> None:
    with gpg("") as home:
        home.make("ed25519")
        data = home.secret()
    press.bring(data, _open)
    again = Press()
    again.bring(data, _open)
    first, second = ([_decoded(r) for r in p.kms.requests if _decoded(r)] for p in (press, again))
    assert len(first) == len(second) == 1
    assert first != second


def test_a_key_that_is_there_already_is_not_imported_twice(press: Press) -> None:
    with gpg() as home:
        home.make("ed25519")
        data = home.secret()
    imported = press.bring(data)
    with pytest.raises(SigningError, match=f"in KMS already, as {imported.arn}"):
        press.bring(data)
    assert press.kms.calls["CreateKey"] == 1


def test_a_key_for_several_regions_goes_into_its_replica_too(press: Press) -> None:
    """KMS copies no imported material: the same export is imported into each Region's key. The
    certificate is found by the id, which is the same everywhere."""
    with gpg() as home:
        home.make("ed25519")
        data, certificate = home.secret(), home.certificate()
    first = press.bring(data, multi_region=True)
    replica = press.kms.replica(first.arn, "eu-west-1")
    with pytest.raises(SigningError, match=f"in KMS already, as {first.arn}"):
        press.bring(data, into=press.kms.create_key("ECC_NIST_EDWARDS25519", regions=True))
    second = press.bring(data, into=replica)
    assert second.arn == replica != first.arn
    assert [key for key in press.store.keys("state/_signers/") if "awskms-" in key] == [
        f"state/_signers/awskms-{first.arn.rpartition('/')[2]}.json"
    ]
    for uri in (first.uri, second.uri):
        accepted(press.load(uri), certificate)


def test_a_copy_that_can_t_be_read_stops_no_import(press: Press) -> None:
    """The copies say nothing of which keys are in KMS, so nobody reads them for it."""
    with gpg() as home:
        home.make("ed25519")
        data = home.secret()
    press.store.put(Layout.certificate("uri-0123"), b"{}")
    imported = press.bring(data)
    with pytest.raises(SigningError, match=f"in KMS already, as {imported.arn}"):
        press.bring(data)


def test_a_key_that_was_lost_in_kms_is_imported_anew(press: Press) -> None:
    with gpg() as home:
        home.make("ed25519")
        data, certificate = home.secret(), home.certificate()
    lost = press.bring(data)
    press.load(lost.uri)
    press.kms.state(lost.arn, "PendingDeletion")
    press.store.delete(f"state/_signers/awskms-{lost.arn.rpartition('/')[2]}.json")
    again = press.bring(data)
    assert again.arn != lost.arn
    accepted(press.load(again.uri), certificate)


def test_an_import_that_did_not_end_is_repeated(press: Press) -> None:
    with gpg() as home:
        home.make("ed25519")
        data, certificate = home.secret(), home.certificate()
    press.kms.denied.add("ImportKeyMaterial")
    with pytest.raises(SigningError, match=r"--into arn:aws:kms:\S+,") as caught:
        press.bring(data)
    assert not press.store.log
    press.kms.denied.clear()
    arn = str(caught.value).partition("--into ")[2].partition(",")[0]
    imported = press.bring(data, into=arn)
    assert (imported.arn, press.kms.calls["CreateKey"]) == (arn, 1)
    accepted(press.load(imported.uri), certificate)
    assert press.bring(data, into=arn).uri == imported.uri


def test_a_key_that_kms_enables_a_moment_later_is_waited_for(press: Press) -> None:
    with gpg() as home:
        home.make("ed25519")
        press.kms.slow = 3
        press.bring(home.secret())
    assert press.clock.now() > NOW


def test_another_key_s_material_under_that_arn_is_noticed(press: Press) -> None:
    with gpg() as home, gpg() as other:
        home.make("ed25519")
        other.make("ed25519")
        first = press.bring(other.secret())
        wrong = other.certificate()
        press.kms._import = lambda asked: {}  # type: ignore[method-assign]
        with pytest.raises(SigningError, match="holds another key"):
            press.bring(home.secret(), into=first.arn)
    assert press.load(first.uri).certificates() == [wrong]


@pytest.mark.parametrize("data", [b"", b"not a key", b"\x99\x01", b"-----BEGIN PGP PRIVATE KEY"])
def test_what_is_no_export_is_refused(press: Press, data: bytes) -> None:
    with pytest.raises(SigningError):
        press.bring(data)


def test_a_certificate_and_several_keys_are_refused(press: Press) -> None:
    with gpg() as home:
        home.make("ed25519")
        with pytest.raises(SigningError, match=r"no secret|no exported secret"):
            press.bring(home.run("--armor", "--export"))
        one = home.secret(armored=False)
        with pytest.raises(SigningError, match="several secret keys"):
            press.bring(one + one)


# Locks


@pytest.mark.parametrize("algorithm", ["rsa2048", "nistp384", "ed25519"])
def test_an_export_s_public_half_is_gpg_s_own_certificate(algorithm: str) -> None:
    with gpg() as home:
        home.make(algorithm, "cert,sign")
        home.add("cv25519", "encr")
        home.add("rsa2048", "sign")
        for data in (home.secret(), home.run("--export-secret-subkeys")):
            assert exports.read_export(data).certificate == home.certificate()


CIPHERS: dict[int, Any] = {2: (24, old.TripleDES), 3: (16, old.CAST5)}


@pytest.mark.parametrize("cipher", [2, 3, 7, 8, 9])
@pytest.mark.parametrize("kind", [0, 1, 3])
@pytest.mark.parametrize("hashing", ["sha1", "sha256", "sha512"])
def test_locks_of_older_programs_are_opened(cipher: int, kind: int, hashing: str) -> None:
    plain = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
    data = _locked(plain, cipher, kind, hashing, "pass wörd")
    opened = unlocking.unlock(exports.read_export(data).keys[0], lambda: "pass wörd")
    assert isinstance(opened, ed25519.Ed25519PrivateKey)
    assert opened.private_bytes_raw() == plain.private_bytes_raw()
    with pytest.raises(SigningError, match="passphrase does not open"):
        unlocking.unlock(exports.read_export(data).keys[0], lambda: "pass word")


def test_gpg_reads_those_locks_as_we_do() -> None:
    """What the test above this rests on: gpg opens one that is written so, and signs."""
    plain = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
    with gpg("pass wörd") as home:
        home.run("--import", text=_locked(plain, 3, 3, "sha1", "pass wörd"))
        assert b"BEGIN PGP SIGNATURE" in home.run("--clearsign", text=b"text\n")


def _locked(
    private: ed25519.Ed25519PrivateKey, cipher: int, kind: int, hashing: str, passphrase: str
) -> bytes:
    """An export as another program would have written it (RFC 4880 sections 3.7 and 5.5.3)."""
    der = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key = PublicKey.from_spki(der, datetime(2025, 1, 1, tzinfo=UTC))
    certificate = certificates.mint(key, "Lab <lab@example.org>", private.sign)
    size, make = CIPHERS.get(cipher, ({7: 16, 8: 24, 9: 32}.get(cipher, 0), algorithms.AES))
    number = {"sha1": 2, "sha256": 8, "sha512": 10}[hashing]
    salt, coded = b"saltsalt", 96
    material = (salt if kind else b"") + passphrase.encode()
    count = 65536 if kind == 3 else len(material)
    stream = (material * (count // len(material) + 1))[:count]
    rounds = -(-size // hashlib.new(hashing).digest_size)
    derived = b"".join(hashlib.new(hashing, bytes(n) + stream).digest() for n in range(rounds))
    cipher_key = make(derived[:size])
    start = os.urandom(cipher_key.block_size // 8)
    plain = packets.mpi(int.from_bytes(private.private_bytes_raw(), "big"))
    encryptor = Cipher(cipher_key, CFB(start)).encryptor()
    locked = encryptor.update(plain + hashlib.sha1(plain).digest()) + encryptor.finalize()
    body = key.body + bytes([254, cipher, kind, number]) + (salt if kind else b"")
    body += (bytes([coded]) if kind == 3 else b"") + start + locked
    others = packets.read(certificate.raw)[1:]
    return packet(Tag.SECRET_KEY, body) + b"".join(each.raw for each in others)


def test_a_damaged_key_is_refused() -> None:
    with gpg("") as home:
        home.make("nistp256")
        export = exports.read_export(home.secret())
    key = export.keys[0]
    assert isinstance(unlocking.unlock(key, _open), ec.EllipticCurvePrivateKey)
    secret = bytearray(key.secret)
    secret[10] ^= 1
    broken = exports.SecretKey(key.public, bytes(secret), key.fingerprint, key.protection)
    with pytest.raises(SigningError, match="damaged"):
        unlocking.unlock(broken, _open)
    secret[-1] = (secret[-1] + (1 if secret[10] > key.secret[10] else -1)) % 256
    broken = exports.SecretKey(key.public, bytes(secret), key.fingerprint, key.protection)
    with pytest.raises(SigningError, match="not of its own public key"):
        unlocking.unlock(broken, _open)
