"""Loads the signers that the configuration's URIs name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from debpress.clock import Clock
from debpress.errors import ConfigError
from debpress.signing import gnupg as bundled
from debpress.signing import kms as awskms
from debpress.signing.certificates import Certificates
from debpress.signing.gnupg import Gnupg
from debpress.signing.kms import KeyService
from debpress.signing.signer import Signer
from debpress.signing.signers import Signers

_FINGERPRINT = re.compile(r"[0-9A-Fa-f]{40}")
_ARN = re.compile(r"arn:[a-z0-9-]+:kms:([a-z0-9-]+):[0-9]{12}:(?:key|alias)/.+")


@dataclass(frozen=True, slots=True)
class Keys:
    """The services that hold keys and certificates. `kms` returns the service of a region, for None
    that of the function's own region. `gnupg` returns gpg and the bundled keys; it is None where
    none are bundled. `default_key` is the key that a bare `awskms:` means. `user_id` is for
    certificates that are minted."""

    certificates: Certificates
    clock: Clock
    kms: Callable[[str | None], KeyService]
    default_key: str | None
    user_id: str
    gnupg: Callable[[], Gnupg] | None = None


def load(uris: Sequence[str], keys: Keys) -> Signers:
    """The signers that `uris` name, their certificates read and checked, or minted.

    `awskms:<key id, alias/name, or ARN>`, and `#<fingerprint>` after it pins the certificate.
    `gnupg:<fingerprint>?secret=<name or ARN>` is a key that is bundled.

    Raises ConfigError for a malformed URI, SigningError, TransientError. IAM: see
    `debpress.signing.kms.load` and `debpress.signing.gnupg.load`.
    """
    return Signers([_one(uri, keys) for uri in uris])


def _one(uri: str, keys: Keys) -> Signer:
    scheme, _, rest = uri.partition(":")
    if scheme == "gnupg":
        bundled.parse(uri)
        if keys.gnupg is None:
            raise ConfigError(f"{uri} can't sign here: there is no gpg to do it")
        return bundled.load(uri, keys.gnupg(), keys.certificates, keys.clock.now())
    name, _, pin = rest.partition("#")
    if "#" in rest and not _FINGERPRINT.fullmatch(pin):
        raise ConfigError(
            f"debpress.signers: {uri!r}: after # a fingerprint of 40 hex digits is due"
        )
    if scheme != "awskms":
        raise ConfigError(f"debpress.signers: {uri!r}: must start with awskms: or gnupg:")
    key = name or keys.default_key
    if not key:
        raise ConfigError(
            f"debpress.signers: {uri!r} means the key the stack made, and DEBPRESS_KMS_KEY "
            "does not name it; set that, or name a key after awskms:"
        )
    service = keys.kms(_region(uri, key))
    return awskms.load(uri, key, pin.upper() or None, service, keys.certificates, keys.user_id)


def _region(uri: str, key: str) -> str | None:
    if not key.startswith("arn:"):
        return None
    found = _ARN.fullmatch(key)
    if found is None:
        raise ConfigError(f"debpress.signers: {uri!r}: {key!r} is no ARN of a KMS key or alias")
    return found[1]
