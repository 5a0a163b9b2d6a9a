"""At which stage the change of a signing key is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from debpress.codec import Record, versioned


class Stage(StrEnum):
    """What signs and what hosts are told to trust, of the old key and the new one.

    `none` is between rotations. Neighbours always have a signature in common, and hosts are told
    of a key before it signs alone.
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
        """By its certificate, once both are known; a URI that gets a pin is the same signer."""
        if self.fingerprint and fingerprint:
            return self.fingerprint == fingerprint
        return self.uri.partition("#")[0] == uri.partition("#")[0]

    def __str__(self) -> str:
        return self.uri


@versioned
@dataclass(frozen=True, slots=True)
class Rotation(Record):
    """The record. `step` led to `stage`, and is `done` since `since` when every suite is signed
    as the stage says and the certificates are published.

    `out` are signers that neither sign nor are published, though they may still be configured.
    `again` is when a retired key was last published anew. `before` is what to return to while the
    step is not done. `history` has the steps that were done.
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
    """A signer's certificate: `certificate` is armored, `key` the ARN or fingerprint it is of."""

    signer: str
    key: str
    fingerprint: str
    created: str
    user_id: str
    certificate: str
