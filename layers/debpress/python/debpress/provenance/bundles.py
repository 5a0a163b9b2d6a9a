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
# Values in JSON. A bundle has a hundred, and a megabyte of small ones takes fifty to be read.
_MOST_VALUES = 20_000
# What GitHub's API and `gh attestation verify --format json` wrap bundles in.
_WRAPPED = ("attestations", "attestation", "bundle")


def check_size(size: int) -> None:
    """Of what is not read yet, in bytes. Raises ProvenanceError."""
    if size > MOST_BYTES:
        raise ProvenanceError(
            Code.PROVENANCE_INVALID,
            f"is {size} bytes, the most is {MOST_BYTES}; upload the package's own bundle",
        )


def split(body: bytes) -> list[bytes]:
    """The bundles as they are, at least one. Raises ProvenanceError."""
    if values_of(body) > _MOST_VALUES:
        raise unreadable(f"it has more than {_MOST_VALUES} values")
    whole = _read(body)
    if isinstance(whole, dict):
        _check_unwrapped(whole)
        return [body]
    if isinstance(whole, list):
        _check_unwrapped(*whole)
        raise unreadable("it is a JSON list; put the bundles one on each line (`jq -c '.[]'`)")
    found = [each for each in body.splitlines() if each.strip()]
    if not found or not all(isinstance(_read(each), dict) for each in found):
        raise unreadable("it is neither a JSON object nor one on each line")
    if len(found) > _MOST:
        raise unreadable(f"it has {len(found)} bundles, the most is {_MOST}")
    return found


def values_of(text: bytes) -> int:
    """How many values JSON has at most, told without reading it."""
    return sum(text.count(mark) for mark in (b",", b"[", b"{"))


def _check_unwrapped(*found: Any) -> None:
    """Raises ProvenanceError for what GitHub gives that has bundles somewhere in it."""
    for each in found:
        for name in _WRAPPED:
            if isinstance(each, dict) and name in each:
                raise unreadable(
                    f"it has {name!r}, as GitHub's answers do, and the bundle is in there; take "
                    "what `gh attestation download` writes"
                )


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


def _read(text: bytes) -> Any:
    """None where it can't be read. Raises ProvenanceError where others might read it otherwise: who
    verifies what is kept has to find what was verified here."""
    try:
        return json.loads(text, object_pairs_hook=_unambiguous)
    except (ValueError, RecursionError):
        return None


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise unreadable("an object in it has a key twice")
    return found
