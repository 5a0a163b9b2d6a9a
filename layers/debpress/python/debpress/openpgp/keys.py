"""Public keys in OpenPGP's encoding, and the encoding of signatures made by them.

A key is read from a SubjectPublicKeyInfo (as KMS gives it), and written as the body of a version 4
public-key packet (RFC 9580 section 5.5.2.2). Three kinds are supported, which gpgv and sqv both
know: RSA, ECDSA over NIST P-256 and P-384, and Ed25519 as the legacy algorithm 22, since bookworm's
gpgv does not know the newer number for Ed25519, 27.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from debpress.errors import SigningError
from debpress.openpgp.packets import Cursor, mpi

Public = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class Algorithm(IntEnum):
    """Public-key algorithms by number (RFC 9580 section 9.1)."""

    RSA = 1
    ECDSA = 19
    EDDSA = 22


class Hash(IntEnum):
    """Hash algorithms by number (RFC 9580 section 9.5), without the broken MD5, SHA-1, RIPEMD."""

    SHA256 = 8
    SHA384 = 9
    SHA512 = 10

    def digest(self, data: bytes) -> bytes:
        return hashlib.new(self.name, data).digest()

    @property
    def primitive(self) -> hashes.HashAlgorithm:
        return _PRIMITIVES[self]()


_PRIMITIVES: dict[Hash, Callable[[], hashes.HashAlgorithm]] = {
    Hash.SHA256: hashes.SHA256,
    Hash.SHA384: hashes.SHA384,
    Hash.SHA512: hashes.SHA512,
}


@dataclass(frozen=True, slots=True)
class _Curve:
    """A NIST curve. `hash` is as strong as the curve, and the only one that KMS signs with."""

    oid: bytes
    make: Callable[[], ec.EllipticCurve]
    hash: Hash


# The object identifiers of RFC 9580 section 9.2.
_CURVES = {
    "secp256r1": _Curve(bytes.fromhex("2a8648ce3d030107"), ec.SECP256R1, Hash.SHA256),
    "secp384r1": _Curve(bytes.fromhex("2b81040022"), ec.SECP384R1, Hash.SHA384),
}
_ED25519 = bytes.fromhex("2b06010401da470f01")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A version 4 key. `created` is part of its fingerprint; `material` are the algorithm's fields
    as they stand in the packet."""

    created: datetime
    algorithm: Algorithm
    material: bytes
    public: Public

    @classmethod
    def from_spki(cls, der: bytes, created: datetime) -> PublicKey:
        """The key of a SubjectPublicKeyInfo in DER (RFC 5280 section 4.1.2.7).

        Raises SigningError for a kind of key that apt's verifiers do not all know.
        """
        try:
            public = load_der_public_key(der)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise SigningError(f"a public key can't be read: {error}") from error
        if isinstance(public, rsa.RSAPublicKey):
            numbers = public.public_numbers()
            return cls(created, Algorithm.RSA, mpi(numbers.n) + mpi(numbers.e), public)
        if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name in _CURVES:
            point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            material = _on_curve(_CURVES[public.curve.name].oid, point)
            return cls(created, Algorithm.ECDSA, material, public)
        if isinstance(public, ed25519.Ed25519PublicKey):
            # RFC 9580 section 11.2.2: the byte 0x40, then the point in its native form.
            point = b"\x40" + public.public_bytes(Encoding.Raw, PublicFormat.Raw)
            return cls(created, Algorithm.EDDSA, _on_curve(_ED25519, point), public)
        raise SigningError(
            "debpress signs with RSA, ECDSA over P-256 or P-384, and Ed25519; "
            f"{type(public).__name__} is another kind of key"
        )

    @classmethod
    def parse(cls, body: bytes) -> PublicKey:
        """Reads the body of a public-key packet. Raises SigningError."""
        cursor = Cursor(body)
        version, created = cursor.number(1), cursor.number(4)
        if version != 4:
            raise SigningError(f"a version {version} key isn't accepted, only version 4")
        number = cursor.number(1)
        if number not in list(Algorithm):
            raise SigningError(f"a key of the OpenPGP algorithm {number} isn't accepted")
        algorithm = Algorithm(number)
        start = cursor.position
        try:
            public = _parse_public(algorithm, cursor)
        except ValueError as error:
            raise SigningError(f"an OpenPGP key's numbers are no key: {error}") from error
        if cursor.left:
            raise SigningError(f"{cursor.left} bytes follow an OpenPGP key inside its packet")
        return cls(datetime.fromtimestamp(created, UTC), algorithm, body[start:], public)

    @property
    def body(self) -> bytes:
        created = int(self.created.timestamp()).to_bytes(4, "big")
        return b"\x04" + created + bytes([self.algorithm]) + self.material

    @property
    def hashed(self) -> bytes:
        """The bytes of a key that fingerprints and certifications hash (RFC 9580 sections 5.2.4,
        5.5.4)."""
        return b"\x99" + len(self.body).to_bytes(2, "big") + self.body

    @property
    def fingerprint(self) -> str:
        """40 digits, in capitals as gpg prints them (RFC 9580 section 5.5.4.2)."""
        return hashlib.sha1(self.hashed, usedforsecurity=False).hexdigest().upper()

    @property
    def key_id(self) -> str:
        return self.fingerprint[-16:]

    @property
    def description(self) -> str:
        """`RSA 4096`, `ECDSA secp256r1`, `Ed25519`: for people."""
        if isinstance(self.public, rsa.RSAPublicKey):
            return f"RSA {self.public.key_size}"
        if isinstance(self.public, ec.EllipticCurvePublicKey):
            return f"ECDSA {self.public.curve.name}"
        return "Ed25519"

    @property
    def hash(self) -> Hash:
        """The hash that signatures by this key use: SHA-512, or a curve's own."""
        if isinstance(self.public, ec.EllipticCurvePublicKey):
            return _CURVES[self.public.curve.name].hash
        return Hash.SHA512

    def value(self, raw: bytes) -> bytes:
        """Turns a signature from KMS's encoding into OpenPGP's numbers (RFC 9580 section 5.2.3).

        `raw` is as KMS gives it: PKCS #1 for RSA; DER of r and s for ECDSA (RFC 3279 section
        2.2.3); R and S, 32 bytes each, for Ed25519 (RFC 8032 section 5.1.6). OpenPGP keeps the
        bytes of R and S in their little-endian order, but strips leading zero bytes as of numbers.
        """
        if self.algorithm is Algorithm.RSA:
            return mpi(int.from_bytes(raw, "big"))
        if self.algorithm is Algorithm.EDDSA:
            if len(raw) != 64:
                raise SigningError(f"an Ed25519 signature has 64 bytes, not {len(raw)}")
            return mpi(int.from_bytes(raw[:32], "big")) + mpi(int.from_bytes(raw[32:], "big"))
        try:
            r, s = decode_dss_signature(raw)
        except ValueError as error:
            raise SigningError(f"an ECDSA signature is no DER of two numbers: {error}") from error
        return mpi(r) + mpi(s)

    def signed(self, digest: bytes, hashing: Hash, value: bytes) -> bool:
        """Whether `value`, a signature packet's numbers, is this key's signature of `digest`."""
        cursor = Cursor(value)
        numbers = [cursor.mpi() for _ in range(1 if self.algorithm is Algorithm.RSA else 2)]
        if cursor.left:
            raise SigningError(f"{cursor.left} bytes follow a signature inside its packet")
        prehashed = Prehashed(hashing.primitive)
        try:
            if isinstance(self.public, rsa.RSAPublicKey):
                raw = numbers[0].to_bytes((self.public.key_size + 7) // 8, "big")
                self.public.verify(raw, digest, padding.PKCS1v15(), prehashed)
            elif isinstance(self.public, ed25519.Ed25519PublicKey):
                # EdDSA takes the digest as its message and hashes it once more (RFC 9580 section
                # 5.2.3.3).
                self.public.verify(b"".join(n.to_bytes(32, "big") for n in numbers), digest)
            else:
                der = encode_dss_signature(numbers[0], numbers[1])
                self.public.verify(der, digest, ec.ECDSA(prehashed))
        except (InvalidSignature, OverflowError):
            return False
        return True


def _on_curve(oid: bytes, point: bytes) -> bytes:
    """The fields of a key on a curve (RFC 9580 section 5.5.5.4): the identifier's length, the
    identifier, the point as a number."""
    return bytes([len(oid)]) + oid + mpi(int.from_bytes(point, "big"))


def _parse_public(algorithm: Algorithm, cursor: Cursor) -> Public:
    if algorithm is Algorithm.RSA:
        n, e = cursor.mpi(), cursor.mpi()
        return rsa.RSAPublicNumbers(e, n).public_key()
    oid = cursor.take(cursor.number(1))
    number = cursor.mpi()
    point = number.to_bytes((number.bit_length() + 7) // 8, "big")
    if algorithm is Algorithm.EDDSA:
        if oid != _ED25519 or point[:1] != b"\x40":
            raise SigningError("an EdDSA key on another curve than Ed25519 isn't accepted")
        return ed25519.Ed25519PublicKey.from_public_bytes(point[1:])
    for curve in _CURVES.values():
        if curve.oid == oid:
            return ec.EllipticCurvePublicKey.from_encoded_point(curve.make(), point)
    raise SigningError(f"an ECDSA key on the curve {oid.hex()} isn't accepted")
