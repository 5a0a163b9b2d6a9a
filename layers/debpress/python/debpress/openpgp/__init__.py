"""OpenPGP, as much of it as apt reads: certificates, signatures, clear-signed text.

No key is ever here: what needs one takes a function that signs a digest. Pure throughout.
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
