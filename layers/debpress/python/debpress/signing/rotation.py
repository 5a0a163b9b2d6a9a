"""Which of the configured signers sign now, and which hosts are told to trust.

Every configured signer signs and is published, but where a rotation says otherwise. What it says
is one object, `state/_rotation.json`, written by `publish.rotating` alone and read here: by sign,
which uses no other key; by commit, which lets no other signature through; by set-up, which
publishes the certificates.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from debpress.errors import CorruptError, RotationError
from debpress.layout import Layout
from debpress.signing import stored
from debpress.signing.signers import Signers
from debpress.signing.stored import Announced
from debpress.store import Store


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
class Party:
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


@dataclass(frozen=True, slots=True)
class Rotation:
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

    def as_json(self) -> dict[str, Any]:
        return {"version": 1, **asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Rotation:
        """Raises KeyError, TypeError or ValueError for what is none."""
        if data["version"] != 1:
            raise ValueError(f"version {data['version']}")
        fields = {name: value for name, value in data.items() if name != "version"}
        for name in ("old", "new"):
            fields[name] = Party(**fields[name]) if fields[name] else None
        fields["stage"] = Stage(fields["stage"])
        fields["out"] = tuple(Party(**party) for party in fields["out"])
        fields["history"] = tuple(fields["history"])
        return cls(**fields)


def read(store: Store) -> Rotation | None:
    """The record, None where no key was ever rotated. Raises CorruptError.

    IAM: s3:GetObject on it.
    """
    found = store.get(Layout.rotation())
    return None if found is None else parse(found.body)


def parse(body: bytes) -> Rotation:
    """Raises CorruptError."""
    try:
        return Rotation.from_json(json.loads(body))
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptError(
            f"{Layout.rotation()} is no record of a rotation ({error!r}); restore its earlier "
            "version"
        ) from error


@dataclass(frozen=True, slots=True)
class Standing:
    """What the configured signers are to do now, in their order. `published` is what hosts are
    told to trust; it may lack a new signer that has not been loaded yet."""

    signing: list[Announced]
    published: list[Announced]

    @property
    def certificates(self) -> list[bytes]:
        """Of those that sign."""
        return [each.certificate.raw for each in self.signing]

    @property
    def others(self) -> list[bytes]:
        """Of those that hosts are told to trust and that do not sign."""
        signing = [each.uri for each in self.signing]
        return [each.certificate.raw for each in self.published if each.uri not in signing]


def standing(store: Store, layout: Layout, uris: Sequence[str]) -> Standing:
    """Without touching a key. Raises SigningError for a signer that signs and was never loaded,
    RotationError where the configuration contradicts the rotation, CorruptError.

    IAM: s3:GetObject on the rotation's record and on state/_signers/.
    """
    rotation = read(store)
    if rotation is None:
        known = stored.announcements(store, layout, uris)
        return Standing(known, known)
    found = {uri: stored.known(store, layout, uri) for uri in uris}
    prints = {uri: _fingerprint(each) for uri, each in found.items()}
    check(rotation, prints)
    signing = [uri for uri in uris if rotation.signs(uri, prints[uri])]
    return Standing(
        stored.announcements(store, layout, signing),
        [
            each
            for uri, each in found.items()
            if each is not None and rotation.publishes(uri, prints[uri])
        ],
    )


def load(
    uris: Sequence[str],
    *,
    store: Store,
    layout: Layout,
    loading: Callable[[Sequence[str]], Signers],
) -> Signers:
    """The signers that sign now, by `loading` (see `signing.load`).

    The key of one that does not sign is not touched, so that it may be disabled; but the new one's
    certificate is minted as soon as it is announced. Raises as `loading` and `standing` do.
    """
    rotation = read(store)
    if rotation is None:
        return loading(uris)
    prints = {uri: _fingerprint(stored.known(store, layout, uri)) for uri in uris}
    if rotation.stage is Stage.ANNOUNCE and rotation.new is not None:
        for uri in uris:
            if prints[uri] is None and not rotation.signs(uri, None):
                prints[uri] = loading([uri]).fingerprints()[0]
    check(rotation, prints)
    wanted = [uri for uri in uris if rotation.signs(uri, prints[uri])]
    signers = loading(wanted)
    # One whose URI is spelled in a new way was known by nothing else until now.
    found = dict(zip(wanted, signers.fingerprints(), strict=True))
    wanted = [uri for uri in wanted if rotation.signs(uri, found[uri])]
    check(rotation, {**prints, **found})
    return signers if len(wanted) == len(found) else loading(wanted)


def check(rotation: Rotation, prints: Mapping[str, str | None]) -> None:
    """Whether the configured signers (by URI, with the fingerprints known) can do what the stage
    asks for. Raises RotationError."""
    needed = {
        Stage.NONE: (),
        Stage.ANNOUNCE: (rotation.old,),
        Stage.DUAL: (rotation.old, rotation.new),
        Stage.SWITCH: (rotation.old, rotation.new),
    }[rotation.stage]
    for party in needed:
        # One that is configured by a URI never loaded may be it; loading it will tell.
        if party and not any(party.is_(uri, found) for uri, found in prints.items()):
            if None in prints.values():
                continue
            raise RotationError(
                f"the rotation stands at {rotation.stage}, which needs {party}, and debpress."
                "signers does not name it; configure it again and deploy"
            )
    if not any(rotation.signs(uri, found) for uri, found in prints.items()):
        raise RotationError(
            "no configured signer may sign: "
            f"{', '.join(prints)} were retired; configure the one that hosts trust now"
        )


def _fingerprint(known: Announced | None) -> str | None:
    return known.certificate.fingerprint if known else None
