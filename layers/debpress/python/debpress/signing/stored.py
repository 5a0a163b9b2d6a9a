"""The stored certificate of a signer: minted once, checked whenever it is read.

A key's creation time is part of its OpenPGP fingerprint, and KMS keeps none for us: a certificate
made a second time is another certificate, which no host knows. So there is one, in the bucket.

Beside it, under a name made from the signer's URI, is a copy for the steps that may not use the
key: they can't ask KMS which key an alias means, and read what the last loading found.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from debpress import openpgp
from debpress.clock import Clock, iso
from debpress.errors import CorruptError, SigningError
from debpress.layout import Layout
from debpress.openpgp import certificates
from debpress.openpgp.certificates import Certificate
from debpress.openpgp.keys import PublicKey
from debpress.store import ObjectHeaders, PreconditionFailed, Store

# The first signature is dated five minutes back, and must be younger than its key. The rest is
# room for a clock that is wrong.
HEAD_START = timedelta(hours=1)

_JSON = ObjectHeaders("application/json")

_COPY = "uri-"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose certificate it must be. `key` gives the signer's own key as of a creation time."""

    uri: str
    name: str
    pin: str | None
    key: Callable[[datetime], PublicKey]


def certificate(
    store: Store, at: str, owner: Owner, mint: Callable[[datetime], Certificate], clock: Clock
) -> Certificate:
    """The certificate stored as `at`, minted by `mint` where there is none yet.

    Of two that mint at once, one stores and both use what was stored. Raises SigningError when
    the certificate is not its owner's, CorruptError when it can't be read.
    """
    found = store.get(at)
    if found is None:
        created = clock.now().replace(microsecond=0) - HEAD_START
        _check_pin(owner, owner.key(created).fingerprint, f"there is none stored as {at}")
        return keep(store, at, owner, mint(created))
    return _checked(at, found.body, owner)


def keep(store: Store, at: str, owner: Owner, certificate: Certificate) -> Certificate:
    """Stores a certificate where there is none, and gives the one that is there then.

    Raises as `certificate` does.
    """
    try:
        store.put(at, _dump(certificate, owner), _JSON, if_absent=True)
    except PreconditionFailed:
        found = store.get(at)
        if found is None:
            raise CorruptError(
                f"{at} was stored and deleted while it was being read; nothing but debpress "
                "may touch state/, find out what does"
            ) from None
        return _checked(at, found.body, owner)
    return certificate


def announce(store: Store, layout: Layout, owner: Owner, certificate: Certificate) -> None:
    """Says for `announced` that the owner's URI means this certificate now."""
    at, body = layout.certificate(_by_uri(owner.uri)), _dump(certificate, owner)
    found = store.get(at)
    if found is None or found.body != body:
        store.put(at, body, _JSON)


@dataclass(frozen=True, slots=True)
class Announced:
    """What the last loading of a signer said of it. `key` is an ARN, or a key in the layer.

    `since` is when it said so first (of this certificate, by this URI).
    """

    uri: str
    key: str
    certificate: Certificate
    since: datetime


def announced(store: Store, layout: Layout, uris: Sequence[str]) -> list[Certificate]:
    """The certificate of each signer, in order, without touching a key.

    Raises SigningError for a signer that was never loaded, CorruptError for a copy that can't be
    read. IAM: s3:GetObject on state/_signers/.
    """
    return [each.certificate for each in announcements(store, layout, uris)]


def announcements(store: Store, layout: Layout, uris: Sequence[str]) -> list[Announced]:
    """As `announced`, with what else is known of each."""
    return [_announced(store, layout, uri) for uri in uris]


def known(store: Store, layout: Layout, uri: str) -> Announced | None:
    """As `announcements` says of one signer; None for one that was never loaded."""
    at = layout.certificate(_by_uri(uri))
    found = store.get(at)
    if found is None:
        return None
    record = _load(at, found.body)
    (certificate,) = certificates.parse(record["certificate"].encode())
    return Announced(uri, record["key"], certificate, found.head.last_modified)


def owners(store: Store, layout: Layout) -> dict[str, str]:
    """Every key that has its certificate here, by the certificate's fingerprint; no copies.

    IAM: s3:ListBucket, and s3:GetObject on state/_signers/.
    """
    found = {}
    for head in store.list(layout.certificate()):
        name = head.key.removeprefix(layout.certificate())
        stored = None if name.startswith(_COPY) else store.get(head.key)
        if stored is not None:
            record = _load(head.key, stored.body)
            found[record["fingerprint"]] = record["key"]
    return found


def _announced(store: Store, layout: Layout, uri: str) -> Announced:
    found = known(store, layout, uri)
    if found is None:
        raise SigningError(
            f"no certificate is stored of {uri} ({layout.certificate(_by_uri(uri))}); deploy "
            "again, so that every configured signer signs"
        )
    return found


def _by_uri(uri: str) -> str:
    return _COPY + hashlib.sha256(uri.encode()).hexdigest()[:32]


def _checked(at: str, body: bytes, owner: Owner) -> Certificate:
    record = _load(at, body)
    fingerprint = record["fingerprint"]
    try:
        certificate, *more = certificates.parse(record["certificate"].encode())
    except SigningError as error:
        raise SigningError(f"{at}: {error}. {_RESTORE}") from error
    if more or not any(owner.key(k.key.created) == k.key for k in certificate.signing):
        raise SigningError(
            f"{at} holds the certificate {certificate.fingerprint}, which is not of the key "
            f"{owner.name} ({owner.uri}). {_RESTORE}"
        )
    if fingerprint != certificate.fingerprint:
        raise SigningError(
            f"{at} says its fingerprint is {fingerprint}, and holds the certificate "
            f"{certificate.fingerprint}. {_RESTORE}"
        )
    _check_pin(owner, certificate.fingerprint, f"it is stored as {at}")
    return certificate


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


def _dump(minted: Certificate, owner: Owner) -> bytes:
    record = {
        "version": 1,
        "signer": owner.uri,
        "key": owner.name,
        "fingerprint": minted.fingerprint,
        "created": iso(minted.key.created),
        "user_id": minted.user_id,
        "certificate": openpgp.armor(minted.raw, "PUBLIC KEY BLOCK").decode("ascii"),
    }
    return (json.dumps(record, indent=1) + "\n").encode()


def _load(at: str, body: bytes) -> dict[str, str]:
    try:
        record: dict[str, Any] = json.loads(body)
        if record["version"] != 1:
            raise CorruptError(
                f"{at} has the version {record['version']}, which this debpress does not know; "
                "deploy the newer one"
            )
        return {name: str(record[name]) for name in ("certificate", "fingerprint", "key")}
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptError(f"{at} is no stored certificate ({error!r}). {_RESTORE}") from error
