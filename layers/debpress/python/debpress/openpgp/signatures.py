"""Version 4 signature packets (RFC 9580 section 5.2): making, reading and verifying them.

A signature is made in two halves, because the private key is elsewhere: a `SignatureDraft` gives
the digest, and makes the packet of the key's signature of that digest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

from debpress.errors import SigningError
from debpress.openpgp.keys import Hash, PublicKey
from debpress.openpgp.packets import Cursor, Packet, Tag, packet


class Type(IntEnum):
    """Signature types (RFC 9580 section 5.2.1)."""

    BINARY = 0x00
    TEXT = 0x01
    CERTIFICATION = 0x13
    SUBKEY_BINDING = 0x18
    PRIMARY_KEY_BINDING = 0x19
    KEY_REVOCATION = 0x20
    SUBKEY_REVOCATION = 0x28
    CERTIFICATION_REVOCATION = 0x30


# Key flags (RFC 9580 section 5.2.3.29). sqv refuses signatures of a key without the flag SIGN.
CERTIFY, SIGN = 0x01, 0x02


class _Sub(IntEnum):
    """The signature subpackets that are understood here (RFC 9580 section 5.2.3.7)."""

    CREATED = 2
    EXPIRES = 3
    KEY_EXPIRES = 9
    ISSUER = 16
    FLAGS = 27
    EMBEDDED = 32
    ISSUER_FINGERPRINT = 33


@dataclass(frozen=True, slots=True)
class SignatureDraft:
    """A signature without its value, which the key is yet to make."""

    key: PublicKey
    type: Type
    created: datetime

    def digest(self, content: bytes) -> bytes:
        """The digest that the key must sign. `content` is `canonical` text, a file's bytes, or a
        key followed by a user id or a subkey."""
        return _digest(self.key.hash, content, self._hashed())

    def finish(self, content: bytes, raw: bytes) -> bytes:
        """The packet. `raw` is the key's signature of `digest`, as `PublicKey.value` takes it."""
        # bookworm's gpgv finds a key by this key id only; what counts is the signed fingerprint.
        issuer = _subpacket(_Sub.ISSUER, bytes.fromhex(self.key.key_id))
        body = (
            self._hashed()
            + len(issuer).to_bytes(2, "big")
            + issuer
            + self.digest(content)[:2]
            + self.key.value(raw)
        )
        return packet(Tag.SIGNATURE, body)

    def _hashed(self) -> bytes:
        subpackets = _subpacket(_Sub.CREATED, int(self.created.timestamp()).to_bytes(4, "big"))
        if self.type is Type.CERTIFICATION:
            subpackets += _subpacket(_Sub.FLAGS, bytes([CERTIFY | SIGN]))
        fingerprint = b"\x04" + bytes.fromhex(self.key.fingerprint)
        subpackets += _subpacket(_Sub.ISSUER_FINGERPRINT, fingerprint)
        head = bytes([4, self.type, self.key.algorithm, self.key.hash])
        return head + len(subpackets).to_bytes(2, "big") + subpackets


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature packet that was read. `issuers` are the fingerprints and key ids of the key that
    it claims to be by.

    `flags` are the key flags, None where it has none. `key_seconds` is the certified key's lifetime
    from its creation, None for ever. `embedded` is the body of a signature inside of this one, by
    which a subkey confirms its binding.
    """

    type: int
    algorithm: int
    hash: Hash
    created: datetime
    issuers: frozenset[str]
    flags: int | None
    key_seconds: int | None
    embedded: bytes | None
    hashed: bytes
    left: bytes
    value: bytes

    def verify(self, key: PublicKey, content: bytes) -> None:
        """Raises SigningError unless `key` made this signature over `content`."""
        digest = _digest(self.hash, content, self.hashed)
        good = (
            self.algorithm == key.algorithm
            and digest[:2] == self.left
            and key.signed(digest, self.hash, self.value)
        )
        if not good:
            raise SigningError(
                f"a signature by {key.fingerprint} does not match what it signs; "
                "the text or the signature was changed"
            )
        if self.created < key.created:
            raise SigningError(
                f"a signature by {key.fingerprint} is dated before its key was made, "
                "and sqv refuses that; sign again"
            )


def parse(found: Packet) -> Signature:
    """Reads a signature packet. Raises SigningError for one that some verifier of apt's refuses."""
    if found.tag != Tag.SIGNATURE:
        raise SigningError(f"an OpenPGP packet of kind {found.tag} is where a signature is due")
    cursor = Cursor(found.body)
    version, kind, algorithm, hashing = (cursor.number(1) for _ in range(4))
    if version != 4:
        raise SigningError(f"a version {version} signature isn't accepted, only version 4")
    if hashing not in list(Hash):
        raise SigningError(
            f"a signature over the hash algorithm {hashing} isn't accepted; "
            "it must be SHA-256, SHA-384 or SHA-512"
        )
    # There are two areas of subpackets. Only the first is signed, so of the second nothing is
    # trusted: it only helps to find the issuer.
    hashed = _subpackets(cursor.take(cursor.number(2)))
    signed = found.body[: cursor.position]
    hints = _subpackets(cursor.take(cursor.number(2)))
    if _Sub.CREATED not in hashed:
        raise SigningError("a signature does not say when it was made")
    if any(len(hashed[kind]) != 4 for kind in (_Sub.CREATED, _Sub.KEY_EXPIRES) if kind in hashed):
        raise SigningError("a signature tells a time in other than four bytes")
    if _Sub.EXPIRES in hashed:
        raise SigningError("a signature that expires isn't accepted: hosts would stop updating")
    flags = hashed.get(_Sub.FLAGS)
    expires = hashed.get(_Sub.KEY_EXPIRES)
    return Signature(
        type=kind,
        algorithm=algorithm,
        hash=Hash(hashing),
        created=datetime.fromtimestamp(int.from_bytes(hashed[_Sub.CREATED], "big"), UTC),
        issuers=_issuers(hashed) or _issuers(hints),
        flags=None if flags is None else int.from_bytes(flags[:1], "big"),
        key_seconds=int.from_bytes(expires, "big") or None if expires else None,
        # May stand in the unsigned area, too: an embedded signature is verified by itself.
        embedded=hashed.get(_Sub.EMBEDDED) or hints.get(_Sub.EMBEDDED),
        hashed=signed,
        left=cursor.take(2),
        value=cursor.rest(),
    )


def _digest(hashing: Hash, content: bytes, hashed: bytes) -> bytes:
    """A signature's digest (RFC 9580 section 5.2.4): of the content, the signed part of the packet
    and a trailer."""
    trailer = b"\x04\xff" + len(hashed).to_bytes(4, "big")
    return hashing.digest(content + hashed + trailer)


def _subpacket(kind: _Sub, body: bytes) -> bytes:
    return bytes([len(body) + 1, kind]) + body


def _subpackets(area: bytes) -> dict[int, bytes]:
    """The subpackets of an area, the last one of each kind. Raises SigningError for one that is
    critical and unknown."""
    cursor = Cursor(area)
    found = {}
    while cursor.left:
        length = cursor.number(1)
        if length == 255:
            length = cursor.number(4)
        elif length >= 192:
            length = (length - 192 << 8) + cursor.number(1) + 192
        body = cursor.take(length)
        if not body:
            raise SigningError("a signature has an empty subpacket")
        kind = body[0] & 0x7F
        if body[0] & 0x80 and kind not in list(_Sub):
            raise SigningError(f"a signature has an unknown critical subpacket, {kind}")
        found[kind] = body[1:]
    return found


def _issuers(subpackets: dict[int, bytes]) -> frozenset[str]:
    fingerprint = subpackets.get(_Sub.ISSUER_FINGERPRINT, b"")[1:]
    key_id = subpackets.get(_Sub.ISSUER, b"")
    return frozenset(name.hex().upper() for name in (fingerprint, key_id) if name)
