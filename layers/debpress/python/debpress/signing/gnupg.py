"""A signer whose key is bundled in a Lambda layer, locked; Secrets Manager has its passphrase.

Its URI is `gnupg:<fingerprint>?secret=<name or ARN>`: the fingerprint of a key in the layer (of its
primary key, or of the subkey that is to sign), and the secret that holds the passphrase. The
certificate is part of the bundled key; none is minted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from debpress import openpgp
from debpress.errors import ConfigError, SigningError
from debpress.openpgp import certificates, exports
from debpress.openpgp.certificates import Certificate
from debpress.openpgp.exports import Export
from debpress.signing.certificates import Certificates, Owner

_FORM = re.compile(r"gnupg:([0-9A-Fa-f]{40})\?secret=([A-Za-z0-9/_+=.@:-]{1,2048})")


@dataclass(frozen=True, slots=True)
class Order:
    """One signature to be made, by the key `key` of `export`, over `data`, dated `created`."""

    export: bytes
    fingerprint: str
    secret: str
    data: bytes
    text: bool
    created: datetime


class Gnupg(Protocol):
    """The port to gpg and the keyring beside it. `debpress.adapters.gnupg` keeps it."""

    def exports(self) -> list[bytes]:
        """Each bundled secret key, as gpg exported it. Raises SigningError."""

    def sign(self, order: Order) -> bytes:
        """A clear-signed document (`text`), or a detached binary signature.

        Raises SigningError saying what to do, TransientError where trying again may help. IAM:
        secretsmanager:GetSecretValue on the secret.
        """


def parse(uri: str) -> tuple[str, str]:
    """The fingerprint and the secret's name. Raises ConfigError. Pure: the stacks read it too."""
    found = _FORM.fullmatch(uri)
    if found is None:
        raise ConfigError(
            f"debpress.signers: {uri!r} must read gnupg:<fingerprint of 40 hex digits>"
            "?secret=<name or ARN of the passphrase's secret>"
        )
    return found[1].upper(), found[2]


class GnupgSigner:
    """A `debpress.signing.Signer`."""

    def __init__(
        self, uri: str, service: Gnupg, secret: str, found: tuple[bytes, Export, Certificate]
    ) -> None:
        self.uri = uri
        self._service = service
        self._secret = secret
        self._export, self._read, self._certificate = found
        self._named = parse(uri)[0]

    def certificate(self) -> bytes:
        """See Signer. Needs no permission."""
        return self._certificate.raw

    def sign(self, data: bytes, *, text: bool, created: datetime) -> bytes:
        """See Signer. IAM: secretsmanager:GetSecretValue on the passphrase's secret."""
        if text:
            openpgp.canonical(data)  # Raises for text that gpg would alter as it signs.
        order = Order(self._export, self._key(created), self._secret, data, text, created)
        made = self._service.sign(order)
        if not text:
            return made
        signed, packets = openpgp.split(made)
        if signed != data:
            raise SigningError("gpg signed another text than it was given")
        return b"".join(packets)

    def _key(self, created: datetime) -> str:
        if self._named != self._certificate.fingerprint:
            return self._named
        chosen = self._certificate.preferred(created).key.fingerprint
        key = self._read.key(chosen)
        if key is None or key.protection != "passphrase":
            raise SigningError(
                f"{self.uri}: gpg would sign with {chosen}, whose secret is not in the layer; "
                "name the key that is there, or build the layer with it"
            )
        return chosen


def load(uri: str, service: Gnupg, stored: Certificates, now: datetime) -> GnupgSigner:
    """The signer of a bundled key. Its certificate is stored for the steps without the layer.

    Raises ConfigError, SigningError. IAM: s3:GetObject and s3:PutObject on state/_signers/.
    """
    fingerprint, secret = parse(uri)
    held = [(data, exports.read_export(data)) for data in service.exports()]
    found = next((each for each in held if each[1].key(fingerprint)), None)
    if found is None:
        known = ", ".join(export.fingerprint for _, export in held) or "none"
        raise SigningError(
            f"{uri}: the key {fingerprint} is not in the layer, which holds {known}; build it "
            "with that key (layers/gnupg/bundle.py --secret-key) and deploy again"
        )
    (certificate,) = certificates.parse(found[1].certificate)
    signing = {each.key.fingerprint for each in certificate.signing}
    if fingerprint not in {certificate.fingerprint} | signing:
        raise SigningError(f"{uri}: the key {fingerprint} of the layer may not sign")
    certificate.preferred(now)
    owner = Owner(uri, fingerprint, fingerprint, lambda _: certificate.key)
    stored.announce(owner, certificate)
    return GnupgSigner(uri, service, secret, (*found, certificate))
