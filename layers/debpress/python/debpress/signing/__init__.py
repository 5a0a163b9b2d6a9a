"""Signers by URI: who signs a Release, whatever holds the key."""

from debpress.signing.loading import load
from debpress.signing.signer import Signer
from debpress.signing.signers import Signers
from debpress.signing.stored import announced

__all__ = ["Signer", "Signers", "announced", "load"]
