"""What Fulcio, Sigstore's authority, wrote into a certificate about the build that asked for it.

The numbers below 1.3.6.1.4.1.57264.1 are told in Fulcio's page "OID info"; from 8 on each value is
one UTF8String of DER.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from debpress.errors import Code, ProvenanceError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_ARC = "1.3.6.1.4.1.57264.1"
_ISSUER, _REPOSITORY, _COMMIT, _REF, _CONFIG, _RUN = 8, 12, 13, 14, 18, 21


@dataclass(frozen=True, slots=True)
class Claims:
    """Of a build, each empty where the certificate has none: whose tokens it had, the repository's
    address, the workflow's file in it, the git ref, the commit, and the address of the run."""

    issuer: str
    repository: str
    workflow: str
    ref: str
    commit: str
    run: str


def claims_of(certificate: Certificate) -> Claims:
    """What the certificate says; whether it may be believed is `Verifier`'s to find out. Raises
    ProvenanceError for a certificate whose extensions can't be read."""
    from cryptography import x509  # noqa: PLC0415 (the small client has none, nor certificates)

    try:
        extensions = list(certificate.extensions)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise ProvenanceError(
            Code.PROVENANCE_INVALID,
            "has a certificate whose extensions can't be read; attest the package again",
        ) from error
    said = {each.oid.dotted_string: getattr(each.value, "value", b"") for each in extensions}

    def text(number: int) -> str:
        return _utf8(said.get(f"{_ARC}.{number}", b""))

    repository = text(_REPOSITORY)
    return Claims(
        issuer=text(_ISSUER),
        repository=repository,
        workflow=_within(repository, text(_CONFIG)),
        ref=text(_REF),
        commit=text(_COMMIT),
        run=text(_RUN),
    )


def _within(repository: str, config: str) -> str:
    """The file of `<repository>/<file>@<ref>` (GitLab has two slashes); the whole address where the
    workflow is of another repository."""
    address = config.rpartition("@")[0]
    inside = address.removeprefix(f"{repository}/")
    return inside.lstrip("/") if repository and inside != address else address


def _utf8(der: bytes) -> str:
    """A UTF8String; empty for anything else (X.690, 8.1.3 and 8.23)."""
    if len(der) < 2 or der[0] != 0x0C:
        return ""
    form = der[1]
    start = 2 if form < 0x80 else 2 + form - 0x80
    length = form if form < 0x80 else int.from_bytes(der[2:start])
    try:
        return der[start:].decode("utf-8") if len(der) == start + length else ""
    except UnicodeDecodeError:
        return ""
