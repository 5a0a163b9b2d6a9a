"""sign: a generation's Release becomes an InRelease and a Release.gpg; still nobody sees them.

The one step that can use the key, so it takes nothing on trust: it signs only the Release of a
configured suite, newer than the published one, or a snapshot of what such a suite was (law 10).
"""

from __future__ import annotations

from debpress.clock import Clock
from debpress.config import Repository
from debpress.errors import SigningError, TransientError
from debpress.index import release
from debpress.layout import Layout, snapshotted
from debpress.publish import notes, published, snapshots
from debpress.publish.published import Generation
from debpress.signing import Signers
from debpress.store import Store


def sign(
    store: Store,
    repository: Repository,
    clock: Clock,
    signers: Signers,
    suite: str,
    generation: str,
) -> None:
    """Signs a generation. Raises SigningError when its Release is not one to be signed, and
    TransientError when it is not yet."""
    record = Generation.load(store, suite, generation)
    text = record.release.encode("utf-8", "surrogateescape")
    parsed = release.parse(text)
    state = published.current(store, repository.layout, suite, clock.now())
    now = published.store_time(store, repository.layout, suite, state, clock)
    settings = repository.suite(snapshotted(suite) or suite)
    if settings is None or (parsed.suite, parsed.origin) != (suite, settings.origin):
        raise SigningError(f"generation {generation} is no Release of the suite {suite!r}")
    if snapshotted(suite) and (message := snapshots.wrong(store, repository, clock, record)):
        raise SigningError(message)
    if parsed.render() != text:
        raise SigningError(f"the Release of generation {generation} holds more than a Release does")
    if state and state.generation != generation and parsed.date <= state.release.date:
        # Only a loser of the race comes here; its commit finds that out, and it merges again.
        return
    if parsed.date > now:
        raise TransientError(
            f"the Date of generation {generation} is in the future; hosts would refuse it. "
            "This passes when the store's clock reaches it"
        )
    body = {
        # Dated by the Release itself: a retry makes the same signature where the algorithm allows.
        "inrelease": signers.clearsign(text, parsed.date).decode("utf-8", "surrogateescape"),
        "release_gpg": signers.detached(text, parsed.date).decode("ascii"),
    }
    store.put(Layout.signed(suite, generation), notes.dump(body), notes.JSON)
