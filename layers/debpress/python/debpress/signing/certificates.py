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
    """Whose certificate it must be. `key` gives the signer's own key as of a creation time; `pin`
    is the fingerprint that it must have, None for any."""

    uri: str
    name: str
    pin: str | None
    key: Callable[[datetime], PublicKey]


class Certificates(Protocol):
    """`debpress.keys.certificates` keeps it, in the bucket."""

    def certificate(
        self, name: str, owner: Owner, mint: Callable[[datetime], Certificate]
    ) -> Certificate:
        """The certificate stored by this name, made by `mint` where there is none yet.

        Of two that mint at once, one stores and both use what was stored. Raises SigningError when
        the certificate is not its owner's, CorruptError when it can't be read.
        """

    def announce(self, owner: Owner, certificate: Certificate) -> None:
        """Says for the steps that may not use the key that the owner's URI means this certificate
        now."""
