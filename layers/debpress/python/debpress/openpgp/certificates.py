"""Certificates (transferable public keys): keys, user ids, and the signatures that bind them.

The order of packets is that of RFC 9580 section 10.1.1; what a certification hashes, of 5.2.4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from debpress.errors import SigningError
from debpress.openpgp import signatures
from debpress.openpgp.armor import dearmor
from debpress.openpgp.keys import PublicKey
from debpress.openpgp.packets import Packet, Tag, packet, read
from debpress.openpgp.signatures import SIGN, Signature, SignatureDraft, Type


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of a certificate that may sign: the primary one, or a cross-certified subkey.

    `since` is the date of the first self-signature that lets the key sign: sqv refuses signatures
    that are dated before. `expires` is when it must make no more signatures, None for never.
    """

    key: PublicKey
    since: datetime
    expires: datetime | None


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate whose self-signatures were verified. `raw` is its binary form.

    `key` is the primary key; `signing` are the keys that may sign, the primary key first if it may.
    """

    key: PublicKey
    user_id: str
    signing: tuple[SigningKey, ...]
    raw: bytes

    @property
    def fingerprint(self) -> str:
        return self.key.fingerprint

    @property
    def expires(self) -> datetime | None:
        """When the last of its keys must make no more signatures, None for never."""
        dates = [each.expires for each in self.signing]
        return None if None in dates else max(date for date in dates if date)

    def preferred(self, moment: datetime) -> SigningKey:
        """The key that gpg would sign with at `moment`: the newest subkey that may, else the
        primary key."""
        alive = [each for each in self.signing if not each.expires or moment < each.expires]
        if not alive:
            raise SigningError(
                f"every key of {self.fingerprint} that may sign has expired; extend it, or sign "
                "with another"
            )
        return max(alive, key=lambda each: (each.key != self.key, each.key.created))


def mint(key: PublicKey, user_id: str, sign: Callable[[bytes], bytes]) -> Certificate:
    """A new certificate. `sign` signs a digest with the key, and returns what `PublicKey.value`
    takes.

    The self-signature is dated as the key and made only once: sqv refuses every signature that is
    dated before the self-signature, so a newer one would invalidate all that was signed before.
    """
    draft = SignatureDraft(key, Type.CERTIFICATION, key.created)
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

    Each must have a user id with a good self-signature, and a key that may sign. Subkeys for other
    purposes are passed over.
    """
    if data.lstrip().startswith(b"-----"):
        data = dearmor(data, "PUBLIC KEY BLOCK")
    groups: list[list[Packet]] = []
    for found in read(data):
        if found.tag in (Tag.SECRET_KEY, Tag.SECRET_SUBKEY):
            # To sqv it would begin a certificate of its own, behind one that is trusted.
            raise SigningError("a secret key stands among the certificates")
        if found.tag == Tag.PUBLIC_KEY:
            groups.append([])
        elif not groups:
            raise SigningError("a certificate does not begin with a public key")
        groups[-1].append(found)
    if not groups:
        raise SigningError("there is no certificate here")
    return [_certificate(group) for group in groups]


@dataclass(slots=True)
class _Part:
    """A key or user id of a certificate, and the signatures that follow it."""

    packet: Packet
    signatures: list[Packet] = field(default_factory=list)


def _certificate(group: list[Packet]) -> Certificate:
    primary = PublicKey.parse(group[0].body)
    parts: list[_Part] = []
    for found in group:
        if found.tag == Tag.SIGNATURE:
            parts[-1].signatures.append(found)
        else:
            parts.append(_Part(found))
    if _own(primary, parts[0], Type.KEY_REVOCATION, primary.hashed)[0]:
        raise SigningError(
            f"the certificate {primary.fingerprint} is revoked, and hosts refuse it; sign with "
            "another key"
        )
    name, own = _named(primary, parts)
    newest = max(own, key=lambda each: each.created)
    end = _end(primary, newest)
    signing = []
    if newest.flags is not None and newest.flags & SIGN:
        since = min(each.created for each in own if each.flags is not None and each.flags & SIGN)
        signing.append(SigningKey(primary, since, end))
    for part in parts:
        if part.packet.tag == Tag.PUBLIC_SUBKEY and (subkey := _subkey(primary, part, end)):
            signing.append(subkey)
    if not signing:
        raise SigningError(
            f"the certificate {primary.fingerprint} does not let its key sign; sqv refuses it"
        )
    raw = b"".join(each.raw for each in group)
    return Certificate(primary, name, tuple(signing), raw)


def _named(primary: PublicKey, parts: Sequence[_Part]) -> tuple[str, list[Signature]]:
    """The user id that was certified last, and all self-signatures of user ids.

    Of a user id's self-signatures the newest counts, since a key's expiry is changed by signing
    anew (RFC 9580 section 5.2.3.10).
    """
    found: list[tuple[Signature, bytes]] = []
    unreadable: SigningError | None = None
    for part in parts:
        user = part.packet.body
        if part.packet.tag != Tag.USER_ID:
            continue
        content = _certified(primary, user)
        good, bad = _own(primary, part, Type.CERTIFICATION, content)
        revoked, _ = _own(primary, part, Type.CERTIFICATION_REVOCATION, content)
        unreadable = unreadable or bad
        ended = max((each.created for each in revoked), default=None)
        found += [(each, user) for each in good if ended is None or each.created > ended]
    if not found:
        why = f" ({unreadable})" if unreadable else ""
        raise SigningError(
            f"the certificate {primary.fingerprint} has no user id with a self-signature that "
            f"apt's verifiers accept{why}"
        )
    _, name = max(found, key=lambda each: each[0].created)
    return name.decode("utf-8", "replace"), [each for each, _ in found]


def _subkey(primary: PublicKey, part: _Part, end: datetime | None) -> SigningKey | None:
    """The subkey if it may sign; None if it is for encryption, is revoked, or has not signed its
    binding itself."""
    try:
        key = PublicKey.parse(part.packet.body)
    except SigningError:
        return None  # The algorithm is one for encryption only.
    content = primary.hashed + key.hashed
    bindings, _ = _own(primary, part, Type.SUBKEY_BINDING, content)
    revoked, _ = _own(primary, part, Type.SUBKEY_REVOCATION, content)
    if not bindings or revoked:
        return None
    newest = max(bindings, key=lambda each: each.created)
    agreed = [each for each in bindings if _agreed(key, each, content)]
    if newest not in agreed:
        return None
    ends = [date for date in (end, _end(key, newest)) if date]
    return SigningKey(key, min(each.created for each in agreed), min(ends, default=None))


def _agreed(key: PublicKey, binding: Signature, content: bytes) -> bool:
    """Whether the subkey has signed its binding, too (RFC 9580 section 5.2.1). Without this check,
    anybody could claim another's key as a subkey, and its signatures with it."""
    if binding.flags is None or not binding.flags & SIGN or binding.embedded is None:
        return False
    back = signatures.parse(Packet(Tag.SIGNATURE, binding.embedded, b""))
    back.verify(key, content)
    return back.type == Type.PRIMARY_KEY_BINDING


_KINDS = {Type.CERTIFICATION: (0x10, 0x11, 0x12, 0x13)}


def _own(
    key: PublicKey, part: _Part, kind: Type, content: bytes
) -> tuple[list[Signature], SigningError | None]:
    """The verified signatures of a kind that `key` itself made of a part; and the error of the
    first that could not be read, if any.

    Anybody can add a signature to a certificate, also a malformed one; only the key's own count.
    """
    good: list[Signature] = []
    bad: SigningError | None = None
    for found in part.signatures:
        if found.body[:1] != b"\x04" or found.body[1] not in _KINDS.get(kind, (kind,)):
            continue
        try:
            signature = signatures.parse(found)
        except SigningError as error:
            bad = bad or error
            continue
        if signature.issuers & {key.fingerprint, key.key_id}:
            signature.verify(key, content)
            good.append(signature)
    return good, bad


def _end(key: PublicKey, signature: Signature) -> datetime | None:
    if signature.key_seconds is None:
        return None
    return key.created + timedelta(seconds=signature.key_seconds)


def _certified(key: PublicKey, user: bytes) -> bytes:
    return key.hashed + b"\xb4" + len(user).to_bytes(4, "big") + user
