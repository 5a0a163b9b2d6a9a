"""The port to the certificates of signers: minted once, and kept for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from debpress.openpgp.certificates import Certificate
from debpress.openpgp.keys import PublicKey


@dataclass(frozen=True, slots=True)
class Owner:
    """The signer that a certificate must belong to. `key` returns the signer's public key as
    created at a given time (in OpenPGP the time is part of a key); `pin` is the fingerprint that
    the certificate must have, None for any."""

    uri: str
    name: str
    pin: str | None
    key: Callable[[datetime], PublicKey]


class Certificates(Protocol):
    """The port. `debpress.keys.certificates` implements it, on the bucket."""

    def certificate(
        self, name: str, owner: Owner, mint: Callable[[datetime], Certificate]
    ) -> Certificate:
        """The certificate stored by this name; if there is none, `mint` makes it and it is stored.

        If two callers mint at once, one is stored, and both are given that one. Raises SigningError
        when the certificate is not its owner's, CorruptError when it can't be read.
        """

    def look_ahead(self, name: str, uri: str) -> None:
        """Reads what `certificate` and `announce` will look at, if they are asked for this name and
        this URI."""

    def announce(self, owner: Owner, certificate: Certificate) -> None:
        """Records that the owner's URI now means this certificate, for the steps that may not use
        the key and so can't find out."""
