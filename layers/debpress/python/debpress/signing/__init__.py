"""Signers, named by URIs: they sign a Release with a key in KMS or in a Lambda layer."""

from debpress.signing.loading import Keys, load
from debpress.signing.signer import Signer
from debpress.signing.signers import Signers

__all__ = ["Keys", "Signer", "Signers", "load"]
