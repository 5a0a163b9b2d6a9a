"""commit: one conditional put of InRelease makes a whole generation visible at once."""

from __future__ import annotations

from debpress import openpgp
from debpress.archive import Archive
from debpress.archive.flip import leave_a_second, see_it_rise
from debpress.archive.suite import INDEX_SUFFIXES, SuiteArchive
from debpress.errors import CorruptError
from debpress.index import release
from debpress.index.release import Release
from debpress.keys.standing import Standing
from debpress.layout import snapshotted
from debpress.records.generation import Generation
from debpress.records.messages import CommitInput, CommitOutput, Committed
from debpress.steps.services import Services
from debpress.store import PreconditionFailed
from debpress.suite import snapshot
from debpress.suite.loss import check_nothing_lost
from debpress.suite.published import Published

_LOST = CommitOutput(Committed.LOST)


def run(services: Services, message: CommitInput, keys: Standing) -> CommitOutput:
    """Flips the suite to a generation, or finds that another flip came first (`lost`).

    It is `lost`, too, where this flip published only other batches, which have waited longer. And
    where a rotation has changed who signs since the generation was signed: `keys` are the signers
    of now, all of whom must have signed. In each of these cases the machine merges and signs again.

    A generation that an earlier try has flipped already, before it died, is found in the chain;
    then only the rest is done. Raises TransientError; and, where the flip must not happen,
    LossError, SigningError or CorruptError, before anything is visible.
    """
    suite = services.archive.suite(message.suite)
    record = suite.generation(message.generation)
    state = suite.published()
    moved = (state.etag if state else None) != (record.parent.etag if record.parent else None)
    if moved and not _is_in(suite, state, record):
        return _LOST
    if not moved and not _flip(services, suite, record, state, keys):
        return _LOST
    see_it_rise(suite, services.clock, record)
    suite.update_plain_names()
    if record.by is not None and record.by not in record.decided:
        return _LOST  # Only batches that have waited longer are in; ours is yet to be merged.
    return CommitOutput(Committed.COMMITTED)


def _flip(
    services: Services,
    suite: SuiteArchive,
    record: Generation,
    state: Published | None,
    keys: Standing,
) -> bool:
    """Makes every check, then puts InRelease. False where another flip came first, or where other
    keys sign now."""
    archive = services.archive
    signed = suite.signed(record.id)
    if signed is None:
        raise CorruptError(f"generation {record.id} was not signed; redrive the execution")
    # Checked at signing, and again here: if this step comes late, the snapshot's files may be so
    # old that the reaper is about to delete them.
    if snapshotted(suite.path) and (wrong := snapshot.wrong(services.repository, archive, record)):
        raise CorruptError(f"{wrong}; nothing was published")
    inrelease = signed.inrelease.encode("utf-8", "surrogateescape")
    if not is_signed_by_all(inrelease, record, keys):
        return False
    old, new = state.release if state else None, release.parse(record.text)
    if old is not None:
        check_nothing_lost(archive, record, old, new)
    check_all_there(archive, record, old, new)
    leave_a_second(services.clock, state)
    try:
        suite.put_inrelease(record, inrelease, record.parent.etag if record.parent else None)
    except PreconditionFailed:
        # The put that won may be an earlier one of ours, whose response was lost.
        return _is_in(suite, suite.published(), record)
    return True


def _is_in(suite: SuiteArchive, state: Published | None, record: Generation) -> bool:
    """Whether the generation is published, or was, by an earlier try of this step. Other flips may
    have followed. The plain names are still to be updated, as that try may have died before."""
    base = record.parent.generation if record.parent else None
    newest = state.generation if state else None
    return any(each.id == record.id for each in suite.chain(newest, base))


def is_signed_by_all(inrelease: bytes, record: Generation, keys: Standing) -> bool:
    """Whether exactly the signers of now have signed. Raises SigningError for a bad signature, and
    CorruptError where another text than the generation's Release is signed."""
    known = [*keys.certificates, *keys.others]
    made = openpgp.verify_clearsigned(inrelease, known)
    text, _ = openpgp.split(inrelease)
    if text != record.text:
        raise CorruptError(f"the signed text of generation {record.id} is not its Release")
    return openpgp.signers(made, known) == openpgp.fingerprints(keys.certificates)


def check_all_there(
    archive: Archive, record: Generation, old: Release | None, new: Release
) -> None:
    """Law 8: every object that the new Release names and the old one did not must exist. Those that
    the old one named exist, since the reaper keeps them. Raises CorruptError."""
    known = old.files if old else {}
    wanted = {
        archive.layout.by_hash(record.suite, name, listed.sha256): listed.size
        for name, listed in new.files.items()
        if name.endswith(INDEX_SUFFIXES) and known.get(name) != listed
    }
    for packages in (record.added or {}).values():
        wanted.update({archive.layout.pool(p.filename): p.size for p in packages})
    archive.check_sizes(wanted)
