"""Which of the configured signers sign now, and which hosts are told to trust.

Every configured signer signs and is published, but where a rotation says otherwise. What it says
is one record, written by the step `rotate` alone and read here: by sign, which uses no other key;
by commit, which lets no other signature through; by set-up, which publishes the certificates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from debpress.archive import Archive
from debpress.errors import RotationError
from debpress.keys.certificates import Announced, announcements, known
from debpress.records.rotation import Rotation, Stage
from debpress.signing import Signers


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


def standing(archive: Archive, uris: Sequence[str]) -> Standing:
    """Without touching a key. Raises SigningError for a signer that signs and was never loaded,
    RotationError where the configuration contradicts the rotation, CorruptError.

    IAM: s3:GetObject on the rotation's record and on state/_signers/.
    """
    stored = archive.rotation.find()
    if stored is None:
        everybody = announcements(archive, uris)
        return Standing(everybody, everybody)
    rotation = stored.record
    found = {uri: known(archive, uri) for uri in uris}
    prints = {uri: _fingerprint(each) for uri, each in found.items()}
    check(rotation, prints)
    signing = [uri for uri in uris if rotation.signs(uri, prints[uri])]
    return Standing(
        announcements(archive, signing),
        [
            each
            for uri, each in found.items()
            if each is not None and rotation.publishes(uri, prints[uri])
        ],
    )


def load(
    archive: Archive, uris: Sequence[str], loading: Callable[[Sequence[str]], Signers]
) -> Signers:
    """The signers that sign now, by `loading` (see `signing.load`).

    The key of one that does not sign is not touched, so that it may be disabled; but the new one's
    certificate is minted as soon as it is announced. Raises as `loading` and `standing` do.
    """
    stored = archive.rotation.find()
    if stored is None:
        return loading(uris)
    rotation = stored.record
    prints = {uri: _fingerprint(known(archive, uri)) for uri in uris}
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


def _fingerprint(found: Announced | None) -> str | None:
    return found.certificate.fingerprint if found else None
