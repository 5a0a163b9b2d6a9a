"""The stored certificate of a signer: minted once, checked whenever it is read.

A key's creation time is part of its OpenPGP fingerprint, and KMS has no OpenPGP creation time. So a
certificate that is made a second time has another fingerprint, and no host trusts it. Therefore
each key's certificate is made once and kept in the bucket.

Beside it is a copy under a name made from the signer's URI, for the steps that may not use the key.
They can't ask KMS which key an alias means, so they read what the last loading of the signer found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from debpress import openpgp
from debpress.archive import Archive
from debpress.clock import Clock, iso
from debpress.concurrency import at_once
from debpress.errors import CorruptError, SigningError
from debpress.openpgp import certificates
from debpress.openpgp.certificates import Certificate
from debpress.records.rotation import StoredCertificate
from debpress.signing.certificates import Owner

# How far a new key's creation time lies in the past. Signatures are dated five minutes back, and
# must not be older than their key; the rest of the hour allows for a wrong clock.
HEAD_START = timedelta(hours=1)

_COPY = "uri-"


class StoredCertificates:
    """A `debpress.signing.certificates.Certificates`, in the bucket."""

    def __init__(self, archive: Archive, clock: Clock) -> None:
        self._kept = archive.certificates
        self._clock = clock
        self._ahead: dict[str, tuple[StoredCertificate, datetime] | None] = {}
        self._copies: dict[str, bytes | None] = {}

    def certificate(
        self, name: str, owner: Owner, mint: Callable[[datetime], Certificate]
    ) -> Certificate:
        if name not in self._ahead:
            self.look_ahead(name, owner.uri)
        found = self._ahead.pop(name)
        if found is not None:
            return self._checked(name, found[0], owner)
        created = self._clock.now().replace(microsecond=0) - HEAD_START
        where = f"there is none stored as {self._kept.key(name)}"
        _check_pin(owner, owner.key(created).fingerprint, where)
        return self.keep(name, owner, mint(created))

    def look_ahead(self, name: str, uri: str) -> None:
        self._ahead[name], self._copies[uri] = at_once(
            lambda: self._kept.find(name), lambda: self._kept.body(_by_uri(uri))
        )

    def keep(self, name: str, owner: Owner, certificate: Certificate) -> Certificate:
        """Stores a certificate unless one is stored by this name; returns the stored one.

        Raises what `certificate` raises.
        """
        if self._kept.add(name, _record(certificate, owner)):
            return certificate
        found = self._kept.find(name)
        if found is None:
            raise CorruptError(
                f"{self._kept.key(name)} was stored and deleted while it was being read; nothing "
                "but debpress may touch state/, find out what does"
            )
        return self._checked(name, found[0], owner)

    def announce(self, owner: Owner, certificate: Certificate) -> None:
        name = _by_uri(owner.uri)
        read = self._copies.pop(owner.uri) if owner.uri in self._copies else self._kept.body(name)
        self._kept.keep(name, _record(certificate, owner), read)

    def _checked(self, name: str, record: StoredCertificate, owner: Owner) -> Certificate:
        at = self._kept.key(name)
        try:
            certificate, *more = certificates.parse(record.certificate.encode())
        except SigningError as error:
            raise SigningError(f"{at}: {error}. {_RESTORE}") from error
        if more or not any(owner.key(k.key.created) == k.key for k in certificate.signing):
            raise SigningError(
                f"{at} holds the certificate {certificate.fingerprint}, which is not of the key "
                f"{owner.name} ({owner.uri}). {_RESTORE}"
            )
        if record.fingerprint != certificate.fingerprint:
            raise SigningError(
                f"{at} says its fingerprint is {record.fingerprint}, and holds the certificate "
                f"{certificate.fingerprint}. {_RESTORE}"
            )
        _check_pin(owner, certificate.fingerprint, f"it is stored as {at}")
        return certificate


@dataclass(frozen=True, slots=True)
class Announced:
    """What was found when a signer was last loaded. `key` is an ARN in KMS, or the fingerprint of a
    key in the layer. `since` is when this certificate was first found by this URI.
    """

    uri: str
    key: str
    certificate: Certificate
    since: datetime


def announcements(archive: Archive, uris: Sequence[str]) -> list[Announced]:
    """What was last found of each signer, in order, from the bucket alone; no key is used.

    Raises SigningError for a signer that was never loaded, CorruptError for a copy that can't be
    read. IAM: s3:GetObject on state/_signers/.
    """
    return [required(archive, uri, known(archive, uri)) for uri in uris]


def known(archive: Archive, uri: str) -> Announced | None:
    """The announcement of one signer (see `announcements`); None if it was never loaded."""
    found = archive.certificates.find(_by_uri(uri))
    if found is None:
        return None
    record, since = found
    (certificate,) = certificates.parse(record.certificate.encode())
    return Announced(uri, record.key, certificate, since)


def owners(archive: Archive) -> dict[str, str]:
    """The key (ARN or fingerprint) of every stored certificate, by the certificate's fingerprint.

    The copies by URI are left out.
    IAM: s3:ListBucket, and s3:GetObject on state/_signers/.
    """
    kept = archive.certificates
    stored = (kept.find(name) for name in kept.names() if not name.startswith(_COPY))
    return {record.fingerprint: record.key for record, _ in filter(None, stored)}


def required(archive: Archive, uri: str, found: Announced | None) -> Announced:
    """What was found of a signer. Raises SigningError where it was never loaded."""
    if found is None:
        raise SigningError(
            f"no certificate is stored of {uri} ({archive.certificates.key(_by_uri(uri))}); deploy "
            "again, so that every configured signer signs"
        )
    return found


def _by_uri(uri: str) -> str:
    return _COPY + hashlib.sha256(uri.encode()).hexdigest()[:32]


_RESTORE = (
    "Restore the object's earlier version. Only if no host trusts the key yet, delete the object, "
    "and a new certificate is minted."
)


def _check_pin(owner: Owner, fingerprint: str, where: str) -> None:
    if owner.pin is not None and owner.pin != fingerprint:
        raise SigningError(
            f"the certificate of {owner.uri} would be {fingerprint} ({where}), and the "
            f"configuration pins {owner.pin}. Restore the stored certificate that hosts trust, or, "
            "if none is in use yet, correct the fingerprint after # in debpress.signers."
        )


def _record(minted: Certificate, owner: Owner) -> StoredCertificate:
    return StoredCertificate(
        signer=owner.uri,
        key=owner.name,
        fingerprint=minted.fingerprint,
        created=iso(minted.key.created),
        user_id=minted.user_id,
        certificate=openpgp.armor(minted.raw, "PUBLIC KEY BLOCK").decode("ascii"),
    )
