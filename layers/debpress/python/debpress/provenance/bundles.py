"""The file beside a package: one Sigstore bundle, or several, one a line, as `gh` writes them."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from debpress.errors import Code, ProvenanceError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

MOST_BYTES = 4 * 1024 * 1024
_MOST = 32


def split(body: bytes) -> list[bytes]:
    """The bundles as they are, at least one. Raises ProvenanceError."""
    found = [body] if _is_object(body) else [each for each in body.splitlines() if each.strip()]
    if not found or not all(map(_is_object, found)):
        raise unreadable("it is neither a JSON object nor one on each line")
    if len(found) > _MOST:
        raise unreadable(f"it has {len(found)} bundles, the most is {_MOST}")
    return found


def unreadable(why: str) -> ProvenanceError:
    return ProvenanceError(
        Code.PROVENANCE_INVALID,
        f"can't be read as a Sigstore bundle: {why}; upload what the attestation or "
        "`cosign --bundle` has written, as it is",
    )


def certificate_of(bundle: bytes) -> Certificate:
    """The certificate of who signed. Raises ProvenanceError where there is none."""
    from cryptography.x509 import load_der_x509_certificate  # noqa: PLC0415 (of few suites)

    try:
        material: Any = json.loads(bundle)["verificationMaterial"]
        # Bundles older than version 0.3 have a chain.
        chain = material.get("x509CertificateChain", {}).get("certificates", [])
        first = material["certificate"] if "certificate" in material else chain[0]
        return load_der_x509_certificate(base64.b64decode(first["rawBytes"], validate=True))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise unreadable("it has no certificate that can be read") from error


def logged_at(bundle: bytes) -> int | None:
    """The time (Unix) at which the log says that it took the signature in, if the bundle says."""
    try:
        return int(json.loads(bundle)["verificationMaterial"]["tlogEntries"][0]["integratedTime"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
