"""Verifies signatures before they are published, more strictly than each of apt's verifiers.

gpgv refuses a file that has a bad signature beside a good one; sqv refuses one that has no good
signature. A host may have either program. So here every signature must be good, and must be by one
of the given certificates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from debpress.errors import SigningError
from debpress.openpgp import certificates as certs
from debpress.openpgp import signatures
from debpress.openpgp.armor import dearmor
from debpress.openpgp.cleartext import canonical, split
from debpress.openpgp.packets import Packet, read
from debpress.openpgp.signatures import Signature, Type


def verify_clearsigned(document: bytes, certificates: Iterable[bytes]) -> list[Signature]:
    """The signatures of a clear-signed document, each verified.

    `certificates` are binary or armored. Raises SigningError saying which signature is not good.
    """
    text, packets = split(document)
    found = read(b"".join(packets))
    return _verified(found, Type.TEXT, canonical(text), certificates)


def verify_detached(
    data: bytes, signature: bytes, certificates: Iterable[bytes]
) -> list[Signature]:
    """The verified signatures of a detached `signature` (armored or binary) over the bytes of
    `data`. See `verify_clearsigned`."""
    if signature.lstrip().startswith(b"-----"):
        signature = dearmor(signature)
    return _verified(read(signature), Type.BINARY, data, certificates)


def signers(found: Iterable[Signature], certificates: Iterable[bytes]) -> set[str]:
    """The fingerprints of those of `certificates` that the signatures claim as their issuers.

    For a signature by a subkey it is the fingerprint of the certificate's primary key.
    """
    issuers = {issuer for signature in found for issuer in signature.issuers}
    return {
        each.fingerprint
        for data in certificates
        for each in certs.parse(data)
        if any(issuers & {signing.key.fingerprint, signing.key.key_id} for signing in each.signing)
    }


def fingerprints(certificates: Iterable[bytes]) -> set[str]:
    return {each.fingerprint for data in certificates for each in certs.parse(data)}


def _verified(
    found: Sequence[Packet], kind: Type, content: bytes, certificates: Iterable[bytes]
) -> list[Signature]:
    known = [each for data in certificates for each in certs.parse(data)]
    if not found:
        raise SigningError("there is no signature")
    read_ones = [signatures.parse(each) for each in found]
    for signature in read_ones:
        if signature.type != kind:
            raise SigningError(
                f"a signature has the type {signature.type:#04x} where {kind:#04x} is due"
            )
        _verify(signature, content, known)
    return read_ones


def _verify(signature: Signature, content: bytes, known: Sequence[certs.Certificate]) -> None:
    for each in (signing for certificate in known for signing in certificate.signing):
        if not signature.issuers & {each.key.fingerprint, each.key.key_id}:
            continue
        signature.verify(each.key, content)
        if each.expires and signature.created >= each.expires:
            raise SigningError(
                f"a signature by {each.key.fingerprint} was made after that key expired; "
                "extend the key, or sign with another"
            )
        return
    names = ", ".join(sorted(signature.issuers)) or "a key it does not name"
    raise SigningError(
        f"a signature is by {names}, which is none of the repository's certificates "
        f"({', '.join(c.fingerprint for c in known) or 'there are none'})"
    )
