"""The record of a signing key's rotation: its stage, and the keys that take part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from debpress.codec import Record, versioned


class Stage(StrEnum):
    """Which of the old and the new key signs, and which certificates are published to hosts.

    `none` is between rotations. Each two stages that follow each other have one signing key in
    common, and a certificate is published before its key signs alone: so no host ever meets a
    release without a signature that it trusts.
    """

    NONE = "none"
    ANNOUNCE = "announce"  # Both are published, the old one signs.
    DUAL = "dual"  # Both are published, both sign.
    SWITCH = "switch"  # Both are published, the new one signs.


@dataclass(frozen=True, slots=True)
class Party(Record):
    """A signer of a rotation. The fingerprint is None until its certificate is known."""

    uri: str
    fingerprint: str | None = None

    def is_(self, uri: str, fingerprint: str | None) -> bool:
        """Whether a signer is this one: by fingerprint where both are known, else by URI without
        its pin (`#<fingerprint>`), which may have been added since."""
        if self.fingerprint and fingerprint:
            return self.fingerprint == fingerprint
        return self.uri.partition("#")[0] == uri.partition("#")[0]

    def __str__(self) -> str:
        return self.uri


@versioned
@dataclass(frozen=True, slots=True)
class Rotation(Record):
    """`step` led to `stage`. It is `done`, since the time `since`, once every suite is signed as
    the stage says and the certificates are published.

    `out` are signers that neither sign nor are published, though they may still be configured.
    `again` is when the certificate of a retired key was last published again. `before` is the
    record as it was before the step, for `back` while the step is not done. `history` has the
    steps that were done.
    """

    stage: Stage
    step: str
    done: bool
    since: str | None
    old: Party | None
    new: Party | None
    out: tuple[Party, ...] = ()
    again: str | None = None
    before: Mapping[str, Any] | None = None
    history: tuple[Mapping[str, Any], ...] = ()

    def signs(self, uri: str, fingerprint: str | None) -> bool:
        silent = {Stage.ANNOUNCE: self.new, Stage.SWITCH: self.old}.get(self.stage)
        return self.publishes(uri, fingerprint) and not (silent and silent.is_(uri, fingerprint))

    def publishes(self, uri: str, fingerprint: str | None) -> bool:
        return not any(party.is_(uri, fingerprint) for party in self.out)


@versioned
@dataclass(frozen=True, slots=True)
class StoredCertificate(Record):
    """A signer's certificate. `certificate` is armored; `key` is the ARN or the fingerprint of the
    key that it is for; `signer` is the signer's URI."""

    signer: str
    key: str
    fingerprint: str
    created: str
    user_id: str
    certificate: str
