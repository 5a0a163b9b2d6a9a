"""Imports an existing OpenPGP key and its certificate into KMS, so that hosts go on trusting it.

The private key is unlocked in memory, wrapped so that only KMS can read it, and sent; it is never
written to a disk.
AWS KMS developer guide, "Importing key material": an asymmetric key as PKCS #8 in DER, wrapped by a
new AES key, which is wrapped by KMS's RSA key (RSA_AES_KEY_WRAP_SHA_256).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_public_key,
)

from debpress import openpgp
from debpress.archive import Archive
from debpress.clock import Clock
from debpress.errors import SigningError
from debpress.keys.certificates import StoredCertificates, owners
from debpress.keys.unlocking import Private, unlock
from debpress.openpgp import certificates
from debpress.openpgp.certificates import Certificate, SigningKey
from debpress.openpgp.exports import Export, read_export
from debpress.openpgp.keys import PublicKey
from debpress.signing import kms
from debpress.signing.certificates import Owner
from debpress.signing.kms import KeyService

# KMS reports a key as enabled only some moments after its import has ended.
_TRIES = 15

_RSA = {2048: "RSA_2048", 3072: "RSA_3072", 4096: "RSA_4096"}
_CURVES = {"secp256r1": "ECC_NIST_P256", "secp384r1": "ECC_NIST_P384"}


@dataclass(frozen=True, slots=True)
class Wrapping:
    """KMS's public key for one import (a SubjectPublicKeyInfo in DER), and its import token."""

    der: bytes
    token: bytes


class ImportService(Protocol):
    """The port to KMS for an import. `debpress.adapters.kms_import` keeps it.

    All raise TransientError or SigningError, as `KeyService` does.
    """

    def create(self, spec: str, description: str, *, multi_region: bool = False) -> str:
        """Makes a signing key without key material, which can have replicas in other Regions or
        never; returns its ARN. IAM: kms:CreateKey, and with `multi_region`
        iam:CreateServiceLinkedRole."""

    def wrapping(self, key: str) -> Wrapping:
        """The parameters for one import. IAM: kms:GetParametersForImport on the key."""

    def put(self, key: str, token: bytes, wrapped: bytes) -> None:
        """Imports key material that never expires. IAM: kms:ImportKeyMaterial on the key."""


@dataclass(frozen=True, slots=True)
class Imported:
    """An imported key. `uri` is the signer's URI for the configuration."""

    uri: str
    arn: str
    certificate: Certificate
    key: PublicKey


@dataclass(frozen=True, slots=True)
class Exported:
    """A key as `gpg --export-secret-keys` wrote it; `passphrase` is called if it is locked.

    `fingerprint` selects which of its keys is to sign; None: the one that gpg would sign with.
    """

    data: bytes
    passphrase: Callable[[], str]
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a key is imported to. `into` is an existing key of KMS with Origin EXTERNAL, also one
    that an unfinished import has made; None: a key is made, of `multi_region` or not."""

    imports: ImportService
    keys: KeyService
    archive: Archive
    clock: Clock
    into: str | None = None
    multi_region: bool = False


def bring(exported: Exported, destination: Destination) -> Imported:
    """Imports a key, and stores its certificate.

    Raises SigningError saying why the key can't be imported and what to do, and TransientError.
    IAM: `ImportService`'s, kms:GetPublicKey, kms:Sign; s3:ListBucket, s3:GetObject and
    s3:PutObject on state/_signers/.
    """
    export = read_export(exported.data)
    (certificate,) = certificates.parse(export.certificate)
    chosen = _chosen(certificate, exported.fingerprint, destination.clock)
    spec = _spec(chosen.key)
    _check_new(destination.archive, certificate, destination.into)
    private = _unlocked(export, chosen, exported.passphrase)
    imports = destination.imports
    arn = destination.into or imports.create(
        spec, f"debpress: {chosen.key.fingerprint}", multi_region=destination.multi_region
    )
    try:
        wrapping = imports.wrapping(arn)
        imports.put(arn, wrapping.token, wrap(private, wrapping.der))
        _try(destination.keys, arn, chosen, certificate, destination.clock)
        owner = Owner(
            f"awskms:{arn}#{certificate.fingerprint}",
            arn,
            certificate.fingerprint,
            lambda _: chosen.key,
        )
        stored = StoredCertificates(destination.archive, destination.clock)
        kept = stored.keep(kms.certificate_name(arn), owner, certificate)
    except SigningError as error:
        raise SigningError(
            f"{error} The import into {arn} did not end: repeat it with --into {arn}, or delete "
            "that key (aws kms schedule-key-deletion)."
        ) from error
    return Imported(owner.uri, arn, kept, chosen.key)


def wrap(private: Private, der: bytes) -> bytes:
    """Wraps a private key by KMS's RSA_AES_KEY_WRAP_SHA_256: RFC 8017 (OAEP) for a new AES key, and
    RFC 5649 for the private key. `der` is KMS's public key."""
    public = load_der_public_key(der)
    if not isinstance(public, rsa.RSAPublicKey):
        raise SigningError("KMS gave a wrapping key that is not RSA")
    plain = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    once = os.urandom(32)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    return public.encrypt(once, oaep) + aes_key_wrap_with_padding(once, plain)


def _chosen(certificate: Certificate, fingerprint: str | None, clock: Clock) -> SigningKey:
    if fingerprint is None:
        return certificate.preferred(clock.now())
    for each in certificate.signing:
        if each.key.fingerprint == fingerprint:
            return each
    known = ", ".join(each.key.fingerprint for each in certificate.signing)
    raise SigningError(f"{fingerprint} is not a key that may sign; there is {known}")


def _spec(key: PublicKey) -> str:
    """The key spec by which KMS calls a kind of key (KMS developer guide, "key specs")."""
    spec: str | None = "ECC_NIST_EDWARDS25519"
    if isinstance(key.public, rsa.RSAPublicKey):
        spec = _RSA.get(key.public.key_size)
    elif isinstance(key.public, ec.EllipticCurvePublicKey):
        spec = _CURVES.get(key.public.curve.name)
    if spec is None:
        raise SigningError(
            f"{key.fingerprint} is {key.description}, and KMS takes RSA of 2048, 3072 and 4096 "
            "bits, P-256, P-384 and Ed25519. Bundle it instead: layers/gnupg/bundle.py "
            "--secret-key, and the signer gnupg:<fingerprint>?secret=<its passphrase's secret>"
        )
    return spec


def _check_new(archive: Archive, certificate: Certificate, into: str | None) -> None:
    key = owners(archive).get(certificate.fingerprint)
    if key and key.startswith("arn:") and not _is_same(key, into):
        raise SigningError(
            f"{certificate.fingerprint} is in KMS already, as {key}: configure "
            f"awskms:{key}#{certificate.fingerprint}"
        )


def _is_same(arn: str, into: str | None) -> bool:
    """Whether it is that key, or its replica in another Region, which has the same id (KMS
    developer guide, "Multi-Region keys")."""
    key = arn.rpartition("/")[2]
    return arn == into or (key.startswith("mrk-") and into is not None and into.endswith(f"/{key}"))


def _unlocked(export: Export, chosen: SigningKey, passphrase: Callable[[], str]) -> Private:
    key = export.key(chosen.key.fingerprint)
    if key is None:
        raise SigningError(f"the export does not hold the secret of {chosen.key.fingerprint}")
    return unlock(key, passphrase)


def _try(
    keys: KeyService, arn: str, chosen: SigningKey, certificate: Certificate, clock: Clock
) -> None:
    """Signs a text with the imported key, and verifies the signature by the certificate."""
    for left in reversed(range(_TRIES)):
        try:
            found = keys.public_key(arn)
            break
        except SigningError:
            if not left:
                raise
            clock.sleep(1)
    if PublicKey.from_spki(found.der, chosen.key.created) != chosen.key:
        raise SigningError(f"{arn} holds another key than {chosen.key.fingerprint}.")
    signer = kms.signer(f"awskms:{arn}", keys, found, chosen.key, certificate)
    text = b"debpress key import\n"
    made = signer.sign(text, text=False, created=clock.now())
    openpgp.verify_detached(text, made, [certificate.raw])
