"""Which of the configured signers sign now, and which certificates are published to hosts.

Every configured signer signs and is published, unless the rotation's record says otherwise. Only
the step `rotate` writes that record. Through this module sign learns which keys to use, commit
which signatures to demand, and set-up which certificates to publish.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from debpress.archive import Archive
from debpress.concurrency import at_once, side_by_side
from debpress.errors import RotationError
from debpress.keys.certificates import Announced, known, required
from debpress.records.rotation import Rotation, Stage
from debpress.signing import Signers


@dataclass(frozen=True, slots=True)
class Standing:
    """The signers that sign now, and those whose certificates are published, each in the configured
    order. `published` may lack a new signer that has not been loaded yet."""

    signing: list[Announced]
    published: list[Announced]

    @property
    def certificates(self) -> list[bytes]:
        """The certificates of the signers that sign now."""
        return [each.certificate.raw for each in self.signing]

    @property
    def others(self) -> list[bytes]:
        """The published certificates of signers that do not sign now."""
        signing = [each.uri for each in self.signing]
        return [each.certificate.raw for each in self.published if each.uri not in signing]


def standing(archive: Archive, uris: Sequence[str]) -> Standing:
    """Reads who signs and who is published from the bucket; no key is used.

    Raises SigningError for a signer that is to sign and was never loaded, RotationError where the
    configuration contradicts the rotation, CorruptError.

    IAM: s3:GetObject on the rotation's record and on state/_signers/.
    """
    stored, announced = at_once(
        archive.rotation.find, lambda: side_by_side(lambda uri: known(archive, uri), uris)
    )
    found = dict(zip(uris, announced, strict=True))
    if stored is None:
        everybody = [required(archive, uri, each) for uri, each in found.items()]
        return Standing(everybody, everybody)
    rotation = stored.record
    prints = {uri: _fingerprint(each) for uri, each in found.items()}
    check(rotation, prints)
    signing = [uri for uri in uris if rotation.signs(uri, prints[uri])]
    return Standing(
        [required(archive, uri, found[uri]) for uri in signing],
        [
            each
            for uri, each in found.items()
            if each is not None and rotation.publishes(uri, prints[uri])
        ],
    )


def load(
    archive: Archive, uris: Sequence[str], loading: Callable[[Sequence[str]], Signers]
) -> Signers:
    """The signers that sign now, loaded by `loading` (see `signing.load`).

    The key of a signer that does not sign is not used, so it may be disabled. The one exception is
    a signer that is just being announced: it is loaded once, which mints its certificate. Raises
    what `loading` and `standing` raise.
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
    # By a URI that is new in the configuration, a key may be loaded that the rotation knows by
    # another URI. Only its fingerprint, known since this loading, tells; so decide once more.
    found = dict(zip(wanted, signers.fingerprints(), strict=True))
    wanted = [uri for uri in wanted if rotation.signs(uri, found[uri])]
    check(rotation, {**prints, **found})
    return signers if len(wanted) == len(found) else loading(wanted)


def check(rotation: Rotation, prints: Mapping[str, str | None]) -> None:
    """Checks that the signers that the rotation's stage needs are configured. `prints` are the
    configured URIs, each with its fingerprint if that is known. Raises RotationError."""
    needed = {
        Stage.NONE: (),
        Stage.ANNOUNCE: (rotation.old,),
        Stage.DUAL: (rotation.old, rotation.new),
        Stage.SWITCH: (rotation.old, rotation.new),
    }[rotation.stage]
    for party in needed:
        # A signer that was never loaded has no known fingerprint and may be the missing one; the
        # check after its loading will tell.
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
