"""Signers by URI, their stored certificates, and what KMS may answer."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import (
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from debpress import openpgp, signing
from debpress.adapters import kms as adapter
from debpress.archive import Archive
from debpress.errors import (
    ConfigError,
    CorruptError,
    DebpressError,
    SigningError,
    TransientError,
)
from debpress.keys.certificates import StoredCertificates, announcements
from debpress.layout import Layout
from debpress.openpgp import certificates, packets, signatures
from debpress.openpgp.keys import PublicKey
from debpress.signing import kms

from tests.support.clock import FakeClock
from tests.support.fake_kms import ACCOUNT, REGION, FakeKms
from tests.support.memory_store import MemoryStore
from tests.support.press import keys

NOW = datetime(2025, 6, 1, 12, 0, 0, 250_000, tzinfo=UTC)
RELEASE = b"Origin: lab\nSuite: lab\nDate: Sun, 01 Jun 2025 12:00:00 UTC\n"


class Press:
    """A store, a clock, a KMS with one key, and the means to load signers upon them."""

    def __init__(self, spec: str = "ECC_NIST_P256") -> None:
        self.clock = FakeClock(NOW)
        self.store = MemoryStore(self.clock)
        self.archive = Archive(self.store, Layout(), self.clock)
        self.kms = FakeKms()
        self.key = self.kms.create_key(spec)
        self.kms.alias("press", self.key)

    def load(
        self, *uris: str, default_key: str | None = None, user_id: str = "Lab <lab@example.org>"
    ) -> signing.Signers:
        return signing.load(
            uris or ["awskms:alias/press"],
            keys(self.kms.service, default_key, self.clock, archive=self.archive, user_id=user_id),
        )

    @property
    def stored_at(self) -> str:
        return Layout.certificate("awskms-" + self.key.rpartition("/")[2])

    def stored(self) -> dict[str, object]:
        found = self.store.get(self.stored_at)
        assert found is not None
        record: dict[str, object] = json.loads(found.body)
        return record

    def store_changed(self, **changes: object) -> None:
        self.store.put(self.stored_at, json.dumps(self.stored() | changes).encode())


@pytest.fixture
def press() -> Press:
    return Press()


# URIs


@pytest.mark.parametrize(
    "uri", ["awskms:alias/press", "awskms:{id}", "awskms:{arn}", "awskms:{alias_arn}"]
)
def test_a_key_is_named_by_alias_id_or_arn(press: Press, uri: str) -> None:
    names = {
        "id": press.key.rpartition("/")[2],
        "arn": press.key,
        "alias_arn": f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/press",
    }
    assert press.load(uri.format(**names)).fingerprints() == press.load().fingerprints()


def test_a_bare_scheme_means_the_key_the_stack_made(press: Press) -> None:
    signers = press.load("awskms:", default_key=press.key)
    assert press.stored()["key"] == press.key
    assert press.stored()["fingerprint"] == signers.fingerprints()[0]


def test_an_arn_is_asked_in_its_own_region(press: Press) -> None:
    asked: list[str | None] = []

    def service(region: str | None) -> adapter.KmsService:
        asked.append(region)
        return press.kms.service()

    for uri in ("awskms:alias/press", f"awskms:{press.key}"):
        signing.load([uri], keys(service, clock=press.clock, archive=press.archive))
    assert asked == [None, REGION]


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("awskms:", "DEBPRESS_KMS_KEY"),
        ("gnupg:press", "gnupg:<fingerprint"),
        ("file:key.pem", "awskms:"),
        ("alias/press", "awskms:"),
        ("awskms:alias/press#ABCD", "40 hex digits"),
        ("awskms:alias/press#", "40 hex digits"),
        ("awskms:arn:aws:s3:::bucket", "no ARN"),
    ],
)
def test_a_uri_that_can_t_be_is_a_config_error(press: Press, uri: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        press.load(uri)
    assert not press.store.log


def test_one_key_twice_and_no_key_at_all_are_config_errors(press: Press) -> None:
    with pytest.raises(ConfigError, match="one key"):
        press.load("awskms:alias/press", f"awskms:{press.key}")
    with pytest.raises(ConfigError, match="at least one"):
        signing.Signers([])


@pytest.mark.parametrize(
    ("spec", "usage"),
    [
        ("ECC_NIST_P521", "SIGN_VERIFY"),
        ("ECC_SECG_P256K1", "SIGN_VERIFY"),
        ("RSA_2048", "ENCRYPT_DECRYPT"),
        ("ECC_NIST_P256", "KEY_AGREEMENT"),
    ],
)
def test_a_key_that_can_t_sign_for_apt_is_refused(press: Press, spec: str, usage: str) -> None:
    with pytest.raises(SigningError, match=f"{spec} for {usage}"):
        press.load(f"awskms:{press.kms.create_key(spec, usage)}")
    assert press.kms.calls["Sign"] == 0


# The certificate


def test_a_certificate_is_minted_once_an_hour_back(press: Press) -> None:
    first = press.load()
    press.clock.advance(86_400)
    again = press.load(user_id="Another <name@example.org>")
    assert again.certificates() == first.certificates()
    assert [write.key for write in press.store.log].count(press.stored_at) == 1
    assert press.kms.calls["Sign"] == 1
    (certificate,) = certificates.parse(first.key_asc())
    assert certificate.key.created == NOW.replace(microsecond=0) - timedelta(hours=1)
    assert certificate.user_id == "Lab <lab@example.org>"
    assert press.stored() == {
        "version": 1,
        "signer": "awskms:alias/press",
        "key": press.key,
        "fingerprint": certificate.fingerprint,
        "created": "2025-06-01T11:00:00Z",
        "user_id": "Lab <lab@example.org>",
        "certificate": first.key_asc().decode(),
    }


def test_a_certificate_s_self_signature_is_as_old_as_its_key_and_lets_it_sign(
    press: Press,
) -> None:
    key, _, own = packets.read(press.load().key_gpg())
    found = signatures.parse(own)
    assert found.created == PublicKey.parse(key.body).created
    assert (found.type, found.flags) == (0x13, 0x03)


def test_of_two_that_mint_at_once_both_use_what_was_stored_first(press: Press) -> None:
    winners: list[signing.Signers] = []

    def other(_: str, __: str) -> None:
        press.store.on_write = None
        press.clock.advance(-7)
        winners.append(press.load())
        press.clock.advance(7)

    press.store.on_write = other
    loser = press.load()
    assert loser.certificates() == winners[0].certificates()
    assert press.kms.calls["Sign"] == 2
    assert [write.key for write in press.store.log].count(press.stored_at) == 1


def test_loading_again_writes_nothing(press: Press) -> None:
    press.load()
    written = len(press.store.log)
    press.load()
    assert len(press.store.log) == written == 2


def announced(press: Press, *uris: str) -> list[bytes]:
    return [each.certificate.raw for each in announcements(press.archive, uris)]


def test_steps_without_the_key_know_the_certificates_by_the_signers_uris(press: Press) -> None:
    uris = ("awskms:alias/press", f"awskms:{press.kms.create_key('ECC_NIST_EDWARDS25519')}")
    signers = press.load(*uris)
    press.kms.denied |= {"GetPublicKey", "Sign"}
    assert announced(press, *uris) == signers.certificates()
    assert announced(press, *reversed(uris)) == signers.certificates()[::-1]


def test_a_signer_spelled_in_another_way_is_known_by_that_too(press: Press) -> None:
    (fingerprint,) = press.load().fingerprints()
    pinned = f"awskms:{press.key}#{fingerprint}"
    with pytest.raises(SigningError, match="deploy again"):
        announced(press, pinned)
    assert press.load(pinned).certificates() == announced(press, pinned)
    assert announced(press, pinned) == announced(press, "awskms:alias/press")


def test_a_copy_that_can_t_be_read_is_corrupt(press: Press) -> None:
    press.load()
    (copy,) = {write.key for write in press.store.log} - {press.stored_at}
    press.store.put(copy, b"{}")
    with pytest.raises(CorruptError, match="_signers"):
        announced(press, "awskms:alias/press")


def test_an_alias_pointed_at_another_key_is_another_certificate(press: Press) -> None:
    before = press.load()
    press.kms.alias("press", press.kms.create_key())
    after = press.load()
    assert announced(press, "awskms:alias/press") == after.certificates()
    assert after.fingerprints() != before.fingerprints()
    openpgp.verify_clearsigned(before.clearsign(RELEASE, NOW), before.certificates())
    openpgp.verify_clearsigned(after.clearsign(RELEASE, NOW), after.certificates())


def test_a_pinned_fingerprint_is_met_in_any_case_of_letters(press: Press) -> None:
    (fingerprint,) = press.load().fingerprints()
    pinned = press.load(f"awskms:alias/press#{fingerprint.lower()}")
    assert pinned.fingerprints() == [fingerprint]


def test_a_stored_certificate_with_another_fingerprint_than_the_pinned_is_refused(
    press: Press,
) -> None:
    press.load()
    with pytest.raises(SigningError, match="pins 0000"):
        press.load("awskms:alias/press#" + "0" * 40)


def test_nothing_is_minted_where_the_pinned_certificate_was_lost(press: Press) -> None:
    (fingerprint,) = press.load().fingerprints()
    press.store.delete(press.stored_at)
    press.clock.advance(1)
    with pytest.raises(SigningError, match="Restore the stored certificate"):
        press.load(f"awskms:alias/press#{fingerprint}")
    assert press.store.get(press.stored_at) is None


def test_a_stored_certificate_of_another_key_is_refused(press: Press) -> None:
    press.load()
    other = Press()
    other.kms = FakeKms(seed=1)
    other.key = other.kms.create_key()
    other.kms.alias("press", other.key)
    other.load()
    press.store_changed(**other.stored())
    with pytest.raises(SigningError, match=r"not of the key.*earlier version"):
        press.load()


def test_a_stored_certificate_that_was_altered_is_refused(press: Press) -> None:
    signers = press.load()
    raw = bytearray(signers.key_gpg())
    raw[-1] ^= 1
    altered = openpgp.armor(bytes(raw), "PUBLIC KEY BLOCK").decode()
    press.store_changed(certificate=altered)
    with pytest.raises(SigningError, match="earlier version"):
        press.load()


def test_a_stored_record_that_contradicts_itself_is_refused(press: Press) -> None:
    press.load()
    press.store_changed(fingerprint="0" * 40)
    with pytest.raises(SigningError, match="says its fingerprint is"):
        press.load()


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"version": 2}', b"\xff"])
def test_a_stored_record_that_can_t_be_read_is_corrupt(press: Press, body: bytes) -> None:
    press.store.put(press.stored_at, body)
    with pytest.raises(CorruptError, match="_signers"):
        press.load()
    assert press.kms.calls["Sign"] == 0


# Signing


@pytest.mark.parametrize(
    ("spec", "hashing", "size"),
    [
        ("ECC_NIST_P256", "SHA256", 32),
        ("ECC_NIST_P384", "SHA384", 48),
        ("ECC_NIST_EDWARDS25519", "SHA512", 64),
        ("RSA_2048", "SHA512", 64),
    ],
)
def test_kms_is_given_a_digest_and_never_the_release(spec: str, hashing: str, size: int) -> None:
    press = Press(spec)
    document = press.load().clearsign(RELEASE, NOW)
    assert f"Hash: {hashing}\n".encode() in document
    assert [len(message) for message in press.kms.messages] == [size, size]


def dates(document: bytes) -> list[datetime]:
    _, found = openpgp.split(document)
    return [signatures.parse(each).created for each in packets.read(b"".join(found))]


def test_a_signature_is_dated_five_minutes_back(press: Press) -> None:
    expected = NOW.replace(microsecond=0) - timedelta(minutes=5)
    assert dates(press.load().clearsign(RELEASE, NOW)) == [expected]


def test_a_signature_is_never_dated_before_its_key(press: Press) -> None:
    signers = press.load()
    minted = certificates.parse(signers.key_gpg())[0].key.created
    assert dates(signers.clearsign(RELEASE, minted + timedelta(seconds=10))) == [minted]
    with pytest.raises(SigningError, match="set the clock right"):
        signers.clearsign(RELEASE, minted - timedelta(seconds=1))


def test_several_signers_all_sign_in_one_armor(press: Press) -> None:
    second = press.kms.create_key("ECC_NIST_EDWARDS25519")
    signers = press.load("awskms:alias/press", f"awskms:{second}")
    document = signers.clearsign(RELEASE, NOW)
    signature = signers.detached(RELEASE, NOW)
    issuers = [
        set(each.issuers)
        for each in (
            *openpgp.verify_clearsigned(document, signers.certificates()),
            *openpgp.verify_detached(RELEASE, signature, [signers.key_asc()]),
        )
    ]
    assert issuers == [{name} for name in signers.fingerprints()] * 2
    assert document.count(b"BEGIN PGP SIGNATURE") == signature.count(b"BEGIN") == 1
    assert signers.key_asc().count(b"BEGIN") == 1
    assert signers.key_gpg() == b"".join(signers.certificates())


def test_every_signature_must_be_by_a_given_certificate(press: Press) -> None:
    second = press.kms.create_key()
    signers = press.load("awskms:alias/press", f"awskms:{second}")
    document = signers.clearsign(RELEASE, NOW)
    with pytest.raises(SigningError, match="none of the repository's certificates"):
        openpgp.verify_clearsigned(document, signers.certificates()[:1])


def test_a_signature_of_the_other_kind_is_refused(press: Press) -> None:
    """A detached text signature verifies with gpgv in neither place it could be put."""
    signers = press.load()
    _, (text,) = openpgp.split(signers.clearsign(RELEASE, NOW))
    binary = openpgp.dearmor(signers.detached(RELEASE, NOW))
    with pytest.raises(SigningError, match="type"):
        openpgp.verify_detached(RELEASE, text, signers.certificates())
    with pytest.raises(SigningError, match="type"):
        openpgp.verify_clearsigned(openpgp.assemble(RELEASE, [binary]), signers.certificates())


def test_a_document_without_a_signature_is_refused(press: Press) -> None:
    signers = press.load()
    with pytest.raises(SigningError, match="no signature"):
        openpgp.verify_clearsigned(openpgp.assemble(RELEASE, []), signers.certificates())
    with pytest.raises(SigningError, match="no signature"):
        openpgp.verify_detached(RELEASE, b"", signers.certificates())


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "ECC_NIST_EDWARDS25519", "RSA_2048"])
def test_a_wrong_signature_from_kms_goes_no_further(spec: str) -> None:
    press = Press(spec)
    signers = press.load()
    press.kms.tamper = lambda signature: signature[:-1] + bytes([signature[-1] ^ 1])
    with pytest.raises(SigningError):
        signers.clearsign(RELEASE, NOW)
    with pytest.raises(SigningError):
        signers.detached(RELEASE, NOW)


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "ECC_NIST_EDWARDS25519"])
def test_a_signature_of_another_form_goes_no_further(spec: str) -> None:
    press = Press(spec)
    signers = press.load()
    press.kms.tamper = lambda signature: signature[:-1]
    with pytest.raises(SigningError):
        signers.clearsign(RELEASE, NOW)


def test_a_signature_older_than_its_key_is_refused(press: Press) -> None:
    """sqv would; gpgv would not notice."""
    signer = kms.load(
        "awskms:alias/press",
        "alias/press",
        None,
        service=press.kms.service(),
        stored=StoredCertificates(press.archive, press.clock),
        user_id="Lab",
    )
    packet = signer.sign(RELEASE, text=True, created=NOW - timedelta(hours=2))
    with pytest.raises(SigningError, match="dated before its key"):
        openpgp.verify_clearsigned(openpgp.assemble(RELEASE, [packet]), [signer.certificate()])


def test_a_certificate_whose_key_may_not_sign_is_refused(
    press: Press, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signatures, "SIGN", 0)
    with pytest.raises(SigningError, match="does not let its key sign"):
        press.load()
    assert not press.store.log


def test_a_release_with_trailing_blanks_is_not_signed(press: Press) -> None:
    with pytest.raises(SigningError, match=r"line 2 .* ends in a blank"):
        press.load().clearsign(b"Origin: lab\nDescription: lab \n", NOW)
    assert press.kms.calls["Sign"] == 1


# What KMS answers


@pytest.mark.parametrize(
    "fault",
    [
        "ThrottlingException",
        "KMSInternalException",
        "DependencyTimeoutException",
        "KeyUnavailableException",
        ReadTimeoutError(endpoint_url="kms"),
        ConnectTimeoutError(endpoint_url="kms"),
        EndpointConnectionError(endpoint_url="kms"),
    ],
)
def test_trouble_that_passes_is_transient(press: Press, fault: str | Exception) -> None:
    press.kms.fail(fault)
    with pytest.raises(TransientError, match="Try again"):
        press.load()
    signers = press.load()
    press.kms.fail(fault)
    with pytest.raises(TransientError, match="Try again"):
        signers.clearsign(RELEASE, NOW)
    signers.clearsign(RELEASE, NOW)


@pytest.mark.parametrize(
    ("state", "said"),
    [("Disabled", "enable-key"), ("PendingDeletion", "cancel-key-deletion")],
)
def test_a_key_that_is_switched_off_says_how_to_switch_it_on(
    press: Press, state: str, said: str
) -> None:
    signers = press.load()
    press.kms.state(press.key, state)
    for attempt in (press.load, lambda: signers.detached(RELEASE, NOW)):
        with pytest.raises(SigningError, match=said):
            attempt()


@pytest.mark.parametrize(
    ("operation", "permission"), [("GetPublicKey", "kms:GetPublicKey"), ("Sign", "kms:Sign")]
)
def test_a_refusal_names_the_permission(press: Press, operation: str, permission: str) -> None:
    press.kms.denied.add(operation)
    with pytest.raises(SigningError, match=f"allow this role {permission}"):
        press.load()
    assert not press.store.log


def test_a_key_that_is_not_there_is_said_so(press: Press) -> None:
    with pytest.raises(SigningError, match="check the region"):
        press.load("awskms:alias/nobody")


@pytest.mark.parametrize(
    "fault", ["UnrecognizedClientException", "SomethingNewException", NoCredentialsError()]
)
def test_anything_else_of_aws_is_a_signing_error(press: Press, fault: str | Exception) -> None:
    press.kms.fail(fault)
    with pytest.raises(SigningError):
        press.load()


def test_services_are_one_client_a_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
    services = adapter.services(endpoint)
    assert services(REGION) is services(REGION)
    assert services(REGION) is not services("eu-west-1")


# The fake itself: what the tests above rest on


def test_the_fake_refuses_what_kms_refuses(press: Press) -> None:
    service = press.kms.service()
    edwards = press.kms.create_key("ECC_NIST_EDWARDS25519")
    for key, message, kind, algorithm in (
        (press.key, bytes(64), "DIGEST", "ECDSA_SHA_256"),
        (press.key, bytes(64), "DIGEST", "ECDSA_SHA_512"),
        (press.key, bytes(5000), "RAW", "ECDSA_SHA_256"),
        (press.key, b"", "RAW", "ECDSA_SHA_256"),
        (edwards, bytes(64), "DIGEST", "ED25519_SHA_512"),
        (edwards, bytes(64), "RAW", "ED25519_PH_SHA_512"),
        (edwards, bytes(64), "RAW", "RSASSA_PKCS1_V1_5_SHA_512"),
    ):
        with pytest.raises(DebpressError):
            service.sign(key, message, kind, algorithm)
    assert service.sign(press.key, bytes(32), "DIGEST", "ECDSA_SHA_256")
    assert service.sign(edwards, bytes(64), "RAW", "ED25519_SHA_512")
