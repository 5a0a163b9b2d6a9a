"""What a suite says of a package by the bundle beside it: in the same words in the press, and to
whoever looks before an upload."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from debpress.errors import Code, ProvenanceError, Refusal
from debpress.layout import BUNDLE
from debpress.provenance import bundles, statement
from debpress.provenance.policy import Policy
from debpress.provenance.proof import Proof, Verifier, nearest, prove


def judge(
    verifier: Callable[[], Verifier] | None,
    policy: Policy | None,
    name: str,
    sha256: str,
    body: bytes | None,
) -> Proof | Refusal | None:
    """Of the package of this file name and SHA-256; `body` is what lies beside it, if anything.

    Without a `verifier` it is only read: whether it is of these bytes. Without a `policy` any
    build's proof is one. None: nothing is wrong, and nothing is proven.
    """
    if body is None:
        return missing(name) if policy and policy.require else None
    try:
        if verifier is None:
            return nearest(lambda bundle: _check_bytes(bundle, sha256), bundles.split(body))
        return prove(verifier(), policy, body, sha256)
    except ProvenanceError as error:
        return refused(name, error)


def refused(name: str, error: ProvenanceError) -> Refusal:
    return Refusal(name, error.code, f"{name}{BUNDLE} {error}")


def missing(name: str) -> Refusal:
    return Refusal(
        name,
        Code.PROVENANCE_MISSING,
        f"{name}{BUNDLE} is not there, and the suite takes no package without provenance; "
        "upload the package's Sigstore bundle under that name, then the manifest again",
    )


def _check_bytes(bundle: bytes, sha256: str) -> None:
    """Raises ProvenanceError unless a bundle says that it is of the file of this SHA-256. Whoever
    has written it may say so."""
    try:
        said: Any = json.loads(bundle)
        if "dsseEnvelope" in said:
            envelope = said["dsseEnvelope"]
            payload = base64.b64decode(envelope["payload"], validate=True)
            statement.check(str(envelope["payloadType"]), payload, sha256)
            return
        summed = said["messageSignature"].get("messageDigest")
        if summed is None:
            return  # It is only a hint, which may be left out; the signature tells.
        digest = base64.b64decode(summed["digest"]).hex()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise bundles.unreadable("it has neither a statement nor a signature of a sum") from error
    if digest != sha256:
        raise statement.of_other_bytes(sha256, digest)
