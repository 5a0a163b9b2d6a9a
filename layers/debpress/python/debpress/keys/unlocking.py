"""Unlocking an exported secret key by its passphrase.

RFC 9580 section 5.5.3, RFC 4880 sections 5.5.3 and 3.7 (strings to keys). gpg can remove a
passphrase as well, but only by writing the unlocked key to a disk. Only `debpress key import` needs
this module: the functions that sign never hold an unlocked private key, and import neither this
module nor the old ciphers in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from cryptography.hazmat.decrepit.ciphers import algorithms as old
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, algorithms

from debpress.errors import SigningError
from debpress.openpgp.exports import SecretKey
from debpress.openpgp.keys import Algorithm, PublicKey
from debpress.openpgp.packets import Cursor

try:
    from cryptography.hazmat.decrepit.ciphers.modes import CFB
except ImportError:  # cryptography before 47
    from cryptography.hazmat.primitives.ciphers.modes import CFB

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def unlock(key: SecretKey, passphrase: Callable[[], str]) -> Private:
    """The private key. `passphrase` is called only if the key is locked. Raises SigningError."""
    if key.protection == "absent":
        raise SigningError(
            f"the export names {key.fingerprint} and does not hold its secret (it is on a card, "
            "or kept elsewhere); export it where it is"
        )
    cursor = Cursor(key.secret)
    usage = cursor.number(1)
    if usage == 0:
        plain = cursor.rest()
        if sum(plain[:-2]) % 65536 != int.from_bytes(plain[-2:], "big"):
            raise SigningError(f"the secret key {key.fingerprint} is damaged: its sum is wrong")
        return _private(key, plain[:-2])
    if usage not in (254, 255):
        raise SigningError(
            f"the secret key {key.fingerprint} is locked in a newer way ({usage}); export it by "
            "gpg 2.2, or without a passphrase into a pipe"
        )
    cipher, make = _cipher(cursor.number(1))
    secret = make(_string_to_key(cursor, passphrase().encode(), cipher))
    start = cursor.take(secret.block_size // 8)
    decryptor = Cipher(secret, CFB(start)).decryptor()
    plain = decryptor.update(cursor.rest()) + decryptor.finalize()
    if usage == 254:
        plain, told = plain[:-20], plain[-20:]
        right = hashlib.sha1(plain, usedforsecurity=False).digest() == told
    else:
        plain, told = plain[:-2], plain[-2:]
        right = sum(plain) % 65536 == int.from_bytes(told, "big")
    if not right:
        raise SigningError(f"the passphrase does not open the secret key {key.fingerprint}")
    return _private(key, plain)


# Ciphers by their OpenPGP number (RFC 9580 section 9.3): the bytes of its key, and the class.
_CIPHERS: dict[int, tuple[int, Callable[[bytes], BlockCipherAlgorithm]]] = {
    2: (24, old.TripleDES),
    3: (16, old.CAST5),
    7: (16, algorithms.AES),
    8: (24, algorithms.AES),
    9: (32, algorithms.AES),
}
_HASHES = {1: "md5", 2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224"}


def _cipher(number: int) -> tuple[int, Callable[[bytes], BlockCipherAlgorithm]]:
    if number not in _CIPHERS:
        raise SigningError(
            f"a secret key is locked by the cipher {number}, which is not known here; export it "
            "again by a gpg of this decade"
        )
    return _CIPHERS[number]


def _string_to_key(cursor: Cursor, passphrase: bytes, size: int) -> bytes:
    """The cipher's key of `size` bytes, made of the passphrase by the string-to-key specifier that
    is read next: simple, salted, or salted and iterated (RFC 9580 section 3.7.1)."""
    kind, hashing = cursor.number(1), cursor.number(1)
    if kind not in (0, 1, 3) or hashing not in _HASHES:
        raise SigningError(f"a secret key is locked in a way that is not known here ({kind})")
    material = (cursor.take(8) if kind else b"") + passphrase
    count = len(material)
    if kind == 3:
        coded = cursor.number(1)
        count = max((16 + (coded & 15)) << (coded >> 4) + 6, count)
    whole, rest = divmod(count, len(material) or 1)
    key = b""
    while len(key) < size:
        # Where one hash is too short, the next one has one more zero byte in front of its input.
        digest = hashlib.new(_HASHES[hashing], bytes(len(key) // _size(hashing)))
        digest.update(material * whole + material[:rest])
        key += digest.digest()
    return key[:size]


def _size(hashing: int) -> int:
    return hashlib.new(_HASHES[hashing]).digest_size


def _private(key: SecretKey, plain: bytes) -> Private:
    """The private key of an algorithm's secret numbers (`plain`). Raises SigningError unless it is
    the private half of the public key."""
    public = PublicKey.parse(key.public)
    cursor = Cursor(plain)
    made: Private
    try:
        if isinstance(public.public, rsa.RSAPublicKey):
            d, p, q, _ = (cursor.mpi() for _ in range(4))
            made = rsa.RSAPrivateNumbers(
                p,
                q,
                d,
                rsa.rsa_crt_dmp1(d, p),
                rsa.rsa_crt_dmq1(d, q),
                rsa.rsa_crt_iqmp(p, q),
                public.public.public_numbers(),
            ).private_key()
        elif public.algorithm is Algorithm.EDDSA:
            made = ed25519.Ed25519PrivateKey.from_private_bytes(cursor.mpi().to_bytes(32, "big"))
        else:
            assert isinstance(public.public, ec.EllipticCurvePublicKey)
            made = ec.derive_private_key(cursor.mpi(), public.public.curve)
    except (ValueError, OverflowError) as error:
        raise SigningError(f"the secret key {key.fingerprint} is damaged: {error}") from error
    if made.public_key() != public.public:
        raise SigningError(f"the secret key {key.fingerprint} is not of its own public key")
    return made
