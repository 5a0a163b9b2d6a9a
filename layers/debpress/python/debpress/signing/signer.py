"""What every signer can do, wherever its key is."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Signer(Protocol):
    """One key that signs, with its certificate. The key itself never comes here."""

    @property
    def uri(self) -> str:
        """How the configuration names it."""

    def certificate(self) -> bytes:
        """The binary transferable public key: key, user id, self-signature.

        The same bytes for ever: hosts hold them. Needs no permission; it was read when the signer
        was loaded.
        """

    def sign(self, data: bytes, *, text: bool, created: datetime) -> bytes:
        """One version 4 signature packet, dated `created`.

        Of type 0x01 over `data` as canonical text (for a clear-signed document), or of type 0x00
        over its bytes. Raises SigningError, or TransientError where trying again may help.

        IAM: kms:Sign on the key, for a signer in KMS; secretsmanager:GetSecretValue on its
        passphrase, for one in a layer.
        """
