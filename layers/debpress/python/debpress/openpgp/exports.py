"""Reads exported secret keys (transferable secret keys), without unlocking them.

RFC 9580 section 5.5.3, RFC 4880 section 5.5.3. `debpress.keys.unlocking` unlocks one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from debpress.errors import SigningError
from debpress.openpgp.armor import dearmor
from debpress.openpgp.keys import PublicKey
from debpress.openpgp.packets import Cursor, Packet, Tag, packet, read

Protection = Literal["passphrase", "none", "absent"]

_PUBLIC: dict[int, Tag] = {Tag.SECRET_KEY: Tag.PUBLIC_KEY, Tag.SECRET_SUBKEY: Tag.PUBLIC_SUBKEY}

# How many numbers the public part has, by algorithm (RFC 9580 section 5.5.5): three kinds of RSA,
# Elgamal, DSA.
_NUMBERS = {1: 2, 2: 2, 3: 2, 16: 3, 17: 4}
# ECDH, ECDSA and EdDSA: a curve's identifier, then a number; ECDH has parameters after that.
_ON_CURVES = (18, 19, 22)
_ECDH = 18


@dataclass(frozen=True, slots=True)
class SecretKey:
    """One key of an export, still locked. `public` is the body of its public-key packet.

    `absent` is true for a key whose secret part is elsewhere: on a card, or kept offline.
    `fingerprint` is empty for a kind of key that debpress does not sign with.
    """

    public: bytes
    secret: bytes
    fingerprint: str
    protection: Protection


@dataclass(frozen=True, slots=True)
class Export:
    """A primary key with its subkeys. `certificate` is the binary export without secret parts."""

    certificate: bytes
    fingerprint: str
    keys: tuple[SecretKey, ...]

    def key(self, fingerprint: str) -> SecretKey | None:
        return next((each for each in self.keys if each.fingerprint == fingerprint), None)


def binary(data: bytes) -> bytes:
    """An export without its armor, if it had one. Raises SigningError."""
    if not data.lstrip().startswith(b"-----"):
        return data
    if b"BEGIN PGP PUBLIC KEY BLOCK" in data:
        raise SigningError(
            "this is a certificate, which holds no secret; export the key by "
            "gpg --armor --export-secret-keys"
        )
    return dearmor(data, "PRIVATE KEY BLOCK")


def read_export(data: bytes) -> Export:
    """What `gpg --export-secret-keys` wrote, of one key, armored or not. Raises SigningError."""
    packets = read(binary(data))
    if not packets or packets[0].tag != Tag.SECRET_KEY:
        raise SigningError("this is no exported secret key (gpg --armor --export-secret-keys)")
    if sum(each.tag == Tag.SECRET_KEY for each in packets) > 1:
        raise SigningError("this export holds several secret keys; export one, by its fingerprint")
    keys: list[SecretKey] = []
    certificate = b""
    for found in packets:
        public = _PUBLIC.get(found.tag)
        if public is None:
            certificate += found.raw
        else:
            keys.append(_locked(found))
            certificate += packet(public, keys[-1].public)
    if not keys[0].fingerprint:
        PublicKey.parse(keys[0].public)  # Raises the error that says why.
    return Export(certificate, keys[0].fingerprint, tuple(keys))


def _locked(found: Packet) -> SecretKey:
    cursor = Cursor(found.body)
    cursor.take(5)
    algorithm = cursor.number(1)
    if algorithm in _NUMBERS:
        for _ in range(_NUMBERS[algorithm]):
            cursor.mpi()
    elif algorithm in _ON_CURVES:
        cursor.take(cursor.number(1))
        cursor.mpi()
        if algorithm == _ECDH:
            cursor.take(cursor.number(1))
    else:
        raise SigningError(f"a secret key of the OpenPGP algorithm {algorithm} isn't accepted")
    public, secret = found.body[: cursor.position], cursor.rest()
    try:
        fingerprint = PublicKey.parse(public).fingerprint
    except SigningError:
        fingerprint = ""
    return SecretKey(public, secret, fingerprint, _protection(secret))


# gpg's own string-to-key specifier, for secret parts that the export lacks: "GNU" and a mode
# (GnuPG, doc/DETAILS, "GNU extensions").
_GNU = 101


def _protection(secret: bytes) -> Protection:
    if secret[:1] == b"\0":
        return "none"
    if len(secret) > 3 and secret[0] in (253, 254, 255) and secret[2] == _GNU:
        return "absent"
    return "passphrase"
