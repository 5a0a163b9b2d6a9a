"""The interface of every signer, wherever its key is."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Signer(Protocol):
    """One signing key, with its certificate. The private key stays where it is."""

    @property
    def uri(self) -> str:
        """How the configuration names it."""

    def certificate(self) -> bytes:
        """The binary transferable public key: key, user id, self-signature.

        Always the same bytes, since hosts keep copies. Needs no permission: it was read when the
        signer was loaded.
        """

    def sign(self, data: bytes, *, text: bool, created: datetime) -> bytes:
        """One version 4 signature packet, dated `created`.

        Of type 0x01 over `data` as canonical text (for a clear-signed document), or of type 0x00
        over its bytes. Raises SigningError, or TransientError where trying again may help.

        IAM: for a key in KMS, kms:Sign on it; for a key in a layer, secretsmanager:GetSecretValue
        on its passphrase's secret.
        """
