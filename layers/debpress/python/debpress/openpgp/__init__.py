"""The part of OpenPGP that apt reads: certificates, signatures, clear-signed text. Pure.

No private key is used here: what must sign takes a function that signs a digest.
"""

from debpress.openpgp.armor import Kind, armor, dearmor
from debpress.openpgp.cleartext import assemble, canonical, split
from debpress.openpgp.verification import (
    fingerprints,
    signers,
    verify_clearsigned,
    verify_detached,
)

__all__ = [
    "Kind",
    "armor",
    "assemble",
    "canonical",
    "dearmor",
    "fingerprints",
    "signers",
    "split",
    "verify_clearsigned",
    "verify_detached",
]
