"""Signers by URI: who signs a Release, whatever holds the key."""

from debpress.signing.loading import Keys, load
from debpress.signing.signer import Signer
from debpress.signing.signers import Signers

__all__ = ["Keys", "Signer", "Signers", "load"]
