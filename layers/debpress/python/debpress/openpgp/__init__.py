"""The part of OpenPGP that apt reads: certificates, signatures, clear-signed text. Pure.

No private key is used here: what must sign takes a function that signs a digest.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from debpress.openpgp.armor import Kind, armor, dearmor
from debpress.openpgp.cleartext import canonical, split

if TYPE_CHECKING:
    from debpress.openpgp.assembly import assemble
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


def __getattr__(name: str) -> Any:
    """What needs the arithmetic of keys is imported when it is first asked for. Most functions only
    take the text out of an InRelease, and cryptography is a tenth of a cold start."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "assembly" if name == "assemble" else "verification"
    return getattr(import_module(f"{__name__}.{module}"), name)
