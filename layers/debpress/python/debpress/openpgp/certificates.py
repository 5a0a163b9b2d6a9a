"""Certificates (transferable public keys): a key, a user id, and the key's word for both.

RFC 9580 section 10.1.1 for the order of packets, 5.2.4 for what a certification hashes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from debpress.errors import SigningError
from debpress.openpgp import signatures
from debpress.openpgp.armor import dearmor
from debpress.openpgp.keys import PublicKey
from debpress.openpgp.packets import Packet, Tag, packet, read
from debpress.openpgp.signatures import SIGN, Draft, Signature, Type


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate whose self-signature was verified. `raw` is its binary form.

    `expires` is when its key stops being good for new signatures, None for never.
    """

    key: PublicKey
    user_id: str
    expires: datetime | None
    raw: bytes

    @property
    def fingerprint(self) -> str:
        return self.key.fingerprint


def mint(key: PublicKey, user_id: str, sign: Callable[[bytes], bytes]) -> Certificate:
    """A new certificate; `sign` signs a digest with the key, see `PublicKey.value`.

    The self-signature is as old as the key, and made once: its time is what sqv asks whether the
    key was good when it signed, so making it again would spoil everything signed before.
    """
    draft = Draft(key, Type.CERTIFICATION, key.created)
    user = user_id.encode()
    content = _certified(key, user)
    raw = (
        packet(Tag.PUBLIC_KEY, key.body)
        + packet(Tag.USER_ID, user)
        + draft.finish(content, sign(draft.digest(content)))
    )
    return parse(raw)[0]


def parse(data: bytes) -> list[Certificate]:
    """The certificates in `data`, armored (one armor) or binary. Raises SigningError.

    Each must have a user id with a good self-signature that lets the key sign. Subkeys are passed
    over: debpress signs with primary keys.
    """
    if data.lstrip().startswith(b"-----"):
        data = dearmor(data, "PUBLIC KEY BLOCK")
    groups: list[list[Packet]] = []
    for found in read(data):
        if found.tag == Tag.PUBLIC_KEY:
            groups.append([])
        elif not groups:
            raise SigningError("a certificate does not begin with a public key")
        groups[-1].append(found)
    if not groups:
        raise SigningError("there is no certificate here")
    return [_certificate(group) for group in groups]


def _certificate(group: list[Packet]) -> Certificate:
    key = PublicKey.parse(group[0].body)
    user = b""
    own: list[tuple[Signature, bytes]] = []
    for found in group[1:]:
        if found.tag == Tag.USER_ID:
            user = found.body
        elif found.tag != Tag.SIGNATURE:
            break  # a subkey, or an image: nothing after it is about a user id
        elif signature := _self_signature(key, user, found):
            own.append((signature, user))
    if not own:
        raise SigningError(
            f"the certificate {key.fingerprint} has no user id with a self-signature; apt "
            "refuses it"
        )
    # The newest counts: that is how a key's life is extended (RFC 9580 section 5.2.3.10).
    newest, name = max(own, key=lambda each: each[0].created)
    if newest.flags is None or not newest.flags & SIGN:
        raise SigningError(
            f"the certificate {key.fingerprint} does not let its key sign; sqv refuses it"
        )
    expires = None
    if newest.key_seconds is not None:
        expires = key.created + timedelta(seconds=newest.key_seconds)
    raw = b"".join(each.raw for each in group)
    return Certificate(key, name.decode("utf-8", "replace"), expires, raw)


def _self_signature(key: PublicKey, user: bytes, found: Packet) -> Signature | None:
    """The key's own certification of `user`; None for anybody else's word about it."""
    if found.body[:1] != b"\x04" or found.body[1:2] not in (b"\x10", b"\x11", b"\x12", b"\x13"):
        return None
    signature = signatures.parse(found)
    if not signature.issuers & {key.fingerprint, key.key_id}:
        return None
    signature.verify(key, _certified(key, user))
    return signature


def _certified(key: PublicKey, user: bytes) -> bytes:
    return key.hashed + b"\xb4" + len(user).to_bytes(4, "big") + user
