"""sign: make an InRelease and a Release.gpg of a generation's Release; hosts don't see them yet.

Only this step can use the key, so it checks what it is given: it signs only the Release of a
configured suite that is newer than the published one, or a snapshot of such a suite (law 10).
"""

from __future__ import annotations

from collections.abc import Callable

from debpress.concurrency import at_once
from debpress.errors import SigningError, TransientError
from debpress.index import release
from debpress.layout import snapshotted
from debpress.records.generation import SignedRelease
from debpress.records.messages.sign import SignInput, SignOutput
from debpress.signing import Signers
from debpress.steps.services import Services


def run(services: Services, message: SignInput, load: Callable[[], Signers]) -> SignOutput:
    """Signs a generation by the signers that `load` returns. Raises SigningError when its Release
    must not be signed, and TransientError while its Date is in the future."""
    archive = services.archive
    suite = archive.suite(message.suite)
    record, state, signers = at_once(
        lambda: suite.generation(message.generation), suite.published, load
    )
    parsed = release.parse(record.text)
    settings = services.repository.suite(snapshotted(message.suite) or message.suite)
    if settings is None or (parsed.suite, parsed.origin) != (message.suite, settings.origin):
        raise SigningError(f"generation {record.id} is no Release of the suite {message.suite!r}")
    if snapshotted(message.suite):
        from debpress.suite import snapshot  # noqa: PLC0415 (of few publishes)

        if wrong := snapshot.wrong(services.repository, archive, record):
            raise SigningError(wrong)
    if parsed.render() != record.text:
        raise SigningError(f"the Release of generation {record.id} holds more than a Release does")
    if state and state.generation != record.id and parsed.date <= state.release.date:
        # Another generation was committed since this one was merged. Commit will find that its
        # parent is superseded, and answer `lost`; so nothing need be signed.
        return SignOutput()
    if parsed.date > suite.now(state):
        raise TransientError(
            f"the Date of generation {record.id} is in the future; hosts would refuse it. "
            "This passes when the store's clock reaches it"
        )
    # The signature is dated by the Release's Date and not by a clock, so that a retry gives the
    # same bytes where the algorithm is deterministic (RSA, Ed25519).
    inrelease, detached = at_once(
        lambda: signers.clearsign(record.text, parsed.date),
        lambda: signers.detached(record.text, parsed.date),
    )
    suite.keep_signed(
        record.id,
        SignedRelease(inrelease.decode("utf-8", "surrogateescape"), detached.decode("ascii")),
    )
    return SignOutput()
