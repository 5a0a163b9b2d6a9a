"""commit: one conditional put of InRelease makes a whole generation visible at once."""

from __future__ import annotations

from collections.abc import Callable

from debpress.archive.flip import leave_a_second, see_it_rise
from debpress.archive.suite import SuiteArchive
from debpress.concurrency import at_once
from debpress.errors import CorruptError
from debpress.index import release
from debpress.keys.standing import Standing
from debpress.layout import snapshotted
from debpress.records.generation import Generation
from debpress.records.messages.commit import CommitInput, CommitOutput, Committed
from debpress.steps.flipping import check_all_there, is_signed_by_all
from debpress.steps.services import Services
from debpress.store import Object, PreconditionFailed
from debpress.suite.loss import check_nothing_lost
from debpress.suite.published import Published

_LOST = CommitOutput(Committed.LOST)


def run(services: Services, message: CommitInput, standing: Callable[[], Standing]) -> CommitOutput:
    """Flips the suite to a generation, or finds that another flip came first (`lost`).

    It is `lost`, too, where this flip published only other batches, which have waited longer. And
    where a rotation has changed who signs since the generation was signed: all of the signers of
    now, whom `standing` reads, must have signed. And where a whole life of the suite has come and
    ended since. In each of these cases the machine merges and signs again.

    A generation that an earlier try has flipped already, before it died, is found in the chain;
    then only the rest is done. Raises TransientError; and, where the flip must not happen,
    LossError, SigningError or CorruptError, before anything is visible.
    """
    suite = services.archive.suite(message.suite)
    record, state, signed, keys = at_once(
        lambda: suite.generation(message.generation),
        suite.published,
        lambda: suite.signed(message.generation),
        standing,
    )
    moved = (state.etag if state else None) != (record.parent.etag if record.parent else None)
    if moved and not _is_in(suite, state, record):
        return _LOST
    if state is None and not _goes_on(suite, record):
        return _LOST
    put: Object | None = None
    if not moved:
        if signed is None:
            raise CorruptError(f"generation {record.id} was not signed; redrive the execution")
        inrelease = signed.inrelease.encode("utf-8", "surrogateescape")
        # A snapshot is checked at signing, and again here: if this step comes late, its files may
        # be so old that the reaper is about to delete them.
        if snapshotted(suite.path):
            from debpress.suite import snapshot  # noqa: PLC0415 (of few publishes)

            if wrong := snapshot.wrong(services.repository, services.archive, record):
                raise CorruptError(f"{wrong}; nothing was published")
        if not is_signed_by_all(inrelease, record, keys):
            return _LOST
        put = _flip(services, suite, record, state, inrelease)
        if put is None:
            return _LOST
    # One look at InRelease tells whether it has risen, and whether the plain names are of it.
    suite.update_plain_names(
        record, put, signed, lambda: see_it_rise(suite, services.clock, record)
    )
    if record.by is not None and record.by not in record.decided:
        return _LOST  # Only batches that have waited longer are in; ours is yet to be merged.
    return CommitOutput(Committed.COMMITTED)


def _flip(
    services: Services,
    suite: SuiteArchive,
    record: Generation,
    state: Published | None,
    inrelease: bytes,
) -> Object | None:
    """Compares what hosts read with what they would read, then puts InRelease, and returns it. None
    where another flip came first."""
    archive = services.archive
    old, new = state.release if state else None, release.parse(record.text)
    at_once(
        lambda: check_nothing_lost(archive, record, old, new) if old else None,
        lambda: check_all_there(archive, record, old, new),
    )
    leave_a_second(services.clock, state)
    try:
        head = suite.put_inrelease(record, inrelease, record.parent.etag if record.parent else None)
    except PreconditionFailed:
        # The put that won may be an earlier one of ours, whose response was lost.
        found = suite.inrelease()
        state = suite.parse(found) if found else None
        return found if _is_in(suite, state, record) else None
    return Object(head, inrelease)


def _goes_on(suite: SuiteArchive, record: Generation) -> bool:
    """Whether the first generation of a life of a suite comes after the life that ended last. If
    not, that life began after it was made, or was its own: its number and its Date would fall
    behind what hosts have read. The note is read after InRelease was found to be gone, as it is
    written before that goes (docs/protocol.md, interleaving 67)."""
    if snapshotted(suite.path):
        return True
    ended = suite.ended()
    return (ended.generation if ended else None) == record.after


def _is_in(suite: SuiteArchive, state: Published | None, record: Generation) -> bool:
    """Whether the generation is published, or was, by an earlier try of this step. Other flips may
    have followed. The plain names are still to be updated, as that try may have died before."""
    base = record.parent.generation if record.parent else None
    newest = state.generation if state else None
    return any(each.id == record.id for each in suite.chain(newest, base))
