"""sign: a generation's Release becomes an InRelease and a Release.gpg; still nobody sees them.

The one step that can use the key, so it takes nothing on trust: it signs only the Release of a
configured suite, newer than the published one, or a snapshot of what such a suite was (law 10).
"""

from __future__ import annotations

from debpress.errors import SigningError, TransientError
from debpress.index import release
from debpress.layout import snapshotted
from debpress.records.generation import SignedRelease
from debpress.records.messages import SignInput, SignOutput
from debpress.signing import Signers
from debpress.steps.services import Services
from debpress.suite import snapshot


def run(services: Services, message: SignInput, signers: Signers) -> SignOutput:
    """Signs a generation. Raises SigningError when its Release is not one to be signed, and
    TransientError when it is not yet."""
    archive = services.archive
    suite = archive.suite(message.suite)
    record = suite.generation(message.generation)
    parsed = release.parse(record.text)
    state = suite.published()
    settings = services.repository.suite(snapshotted(message.suite) or message.suite)
    if settings is None or (parsed.suite, parsed.origin) != (message.suite, settings.origin):
        raise SigningError(f"generation {record.id} is no Release of the suite {message.suite!r}")
    if snapshotted(message.suite) and (
        wrong := snapshot.wrong(services.repository, archive, record)
    ):
        raise SigningError(wrong)
    if parsed.render() != record.text:
        raise SigningError(f"the Release of generation {record.id} holds more than a Release does")
    if state and state.generation != record.id and parsed.date <= state.release.date:
        # Only a loser of the race comes here; its commit finds that out, and it merges again.
        return SignOutput()
    if parsed.date > suite.now(state):
        raise TransientError(
            f"the Date of generation {record.id} is in the future; hosts would refuse it. "
            "This passes when the store's clock reaches it"
        )
    # Dated by the Release itself: a retry makes the same signature where the algorithm allows.
    inrelease = signers.clearsign(record.text, parsed.date).decode("utf-8", "surrogateescape")
    detached = signers.detached(record.text, parsed.date).decode("ascii")
    suite.keep_signed(record.id, SignedRelease(inrelease, detached))
    return SignOutput()
