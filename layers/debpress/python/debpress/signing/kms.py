"""A signer whose key never leaves AWS KMS, with a certificate that is minted once and stored.

KMS makes bare signatures of digests; the OpenPGP packets around them are made here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from debpress import openpgp
from debpress.concurrency import at_once
from debpress.errors import SigningError
from debpress.layout import safe
from debpress.openpgp import certificates
from debpress.openpgp.certificates import Certificate
from debpress.openpgp.keys import PublicKey
from debpress.openpgp.signatures import SignatureDraft, Type
from debpress.signing.certificates import Certificates, Owner


@dataclass(frozen=True, slots=True)
class KmsKey:
    """A key as KMS describes it: its ARN, its spec (`RSA_4096`), and its public half, a
    SubjectPublicKeyInfo in DER."""

    arn: str
    spec: str
    usage: str
    der: bytes


class KeyService(Protocol):
    """The port to KMS. `debpress.adapters.kms` keeps it.

    Both raise TransientError (a throttle, KMS itself in trouble, a time-out) or SigningError
    (refused, disabled, waiting to be deleted), which says what to do.
    """

    def public_key(self, key: str) -> KmsKey:
        """The public half of `key`: a key id, an alias or the ARN of either.

        IAM: kms:GetPublicKey.
        """

    def sign(self, key: str, message: bytes, message_type: str, algorithm: str) -> bytes:
        """A signature by KMS: PKCS #1 for RSA, DER of r and s for ECDSA, 64 bytes for Ed25519.

        IAM: kms:Sign.
        """


@dataclass(frozen=True, slots=True)
class _Scheme:
    """How KMS is to sign a digest with a key of some spec (KMS developer guide, "key specs")."""

    algorithm: str
    message_type: str


# For each NIST curve KMS has one algorithm, with a hash of the curve's size. For Ed25519 the digest
# is passed as the message, because OpenPGP's EdDSA signs the digest as a plain Ed25519 message
# (RFC 9580 section 5.2.3.3); KMS's ED25519_PH_SHA_512 is another scheme, Ed25519ph (RFC 8032
# section 5.1).
_SCHEMES = {
    "RSA_2048": _Scheme("RSASSA_PKCS1_V1_5_SHA_512", "DIGEST"),
    "RSA_3072": _Scheme("RSASSA_PKCS1_V1_5_SHA_512", "DIGEST"),
    "RSA_4096": _Scheme("RSASSA_PKCS1_V1_5_SHA_512", "DIGEST"),
    "ECC_NIST_P256": _Scheme("ECDSA_SHA_256", "DIGEST"),
    "ECC_NIST_P384": _Scheme("ECDSA_SHA_384", "DIGEST"),
    "ECC_NIST_EDWARDS25519": _Scheme("ED25519_SHA_512", "RAW"),
}


class KmsSigner:
    """A `debpress.signing.Signer`."""

    def __init__(
        self,
        uri: str,
        service: KeyService,
        arn: str,
        scheme: _Scheme,
        key: PublicKey,
        certificate: Certificate,
    ) -> None:
        """`key` is the one in KMS: the certificate's primary key, or its signing subkey."""
        self.uri = uri
        self._service = service
        self._arn = arn
        self._scheme = scheme
        self._key = key
        self._certificate = certificate

    def certificate(self) -> bytes:
        """See Signer. Needs no permission."""
        return self._certificate.raw

    def sign(self, data: bytes, *, text: bool, created: datetime) -> bytes:
        """See Signer. IAM: kms:Sign on the key."""
        draft = SignatureDraft(self._key, Type.TEXT if text else Type.BINARY, created)
        content = openpgp.canonical(data) if text else data
        raw = _sign(self._service, self._arn, self._scheme, draft.digest(content))
        return draft.finish(content, raw)


def load(
    uri: str,
    key: str,
    pin: str | None,
    service: KeyService,
    stored: Certificates,
    user_id: str,
) -> KmsSigner:
    """The signer of a key of KMS; its certificate is minted and stored the first time.

    `pin` is the fingerprint it must have. Raises SigningError or TransientError. IAM:
    kms:GetPublicKey and kms:Sign on the key; s3:GetObject and s3:PutObject on state/_signers/.
    """
    # Of an alias nobody knows the key before KMS says it.
    found, _ = at_once(
        lambda: service.public_key(key),
        lambda: None if "alias/" in key else stored.look_ahead(certificate_name(key), uri),
    )
    scheme = _scheme(uri, found)

    def public(created: datetime) -> PublicKey:
        return PublicKey.from_spki(found.der, created)

    def mint(created: datetime) -> Certificate:
        # Signs by the ARN and not by an alias, which may be pointed at another key at any time.
        return certificates.mint(
            public(created), user_id, lambda digest: _sign(service, found.arn, scheme, digest)
        )

    owner = Owner(uri, found.arn, pin, public)
    certificate = stored.certificate(certificate_name(found.arn), owner, mint)
    stored.announce(owner, certificate)
    own = next(k.key for k in certificate.signing if public(k.key.created) == k.key)
    return signer(uri, service, found, own, certificate)


def signer(
    uri: str, service: KeyService, found: KmsKey, key: PublicKey, certificate: Certificate
) -> KmsSigner:
    """The signer of a key whose certificate is known. Raises SigningError."""
    return KmsSigner(uri, service, found.arn, _scheme(uri, found), key, certificate)


def _scheme(uri: str, found: KmsKey) -> _Scheme:
    scheme = _SCHEMES.get(found.spec)
    if scheme is None or found.usage != "SIGN_VERIFY":
        raise SigningError(
            f"{uri}: the key {found.arn} is {found.spec} for {found.usage}, which can't sign for "
            f"apt; make one for SIGN_VERIFY of {', '.join(_SCHEMES)}"
        )
    return scheme


def _sign(service: KeyService, arn: str, scheme: _Scheme, digest: bytes) -> bytes:
    return service.sign(arn, digest, scheme.message_type, scheme.algorithm)


def certificate_name(arn: str) -> str:
    """The name that a key's certificate is stored by: the key id. It stays the same when an alias
    moves, and the replicas of a multi-Region key share it."""
    return safe("awskms-" + arn.rpartition("/")[2])
