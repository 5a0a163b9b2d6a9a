"""mirror: a second bucket, in another Region, follows the archive, and is whole at every moment.

It copies in the order in which a publish writes: packages, indices, the generation's record, then
InRelease under the condition that the replica's is still the one that was read, then the plain
names. So at every moment all that the replica's InRelease names is there (law 8), and its Date and
its Last-Modified only ever rise (laws 1 and 2), however many calls run at once, and wherever one
dies. docs/decisions/0016-second-region.md says why S3 does not do this.

The two clocks differ, as do the objects' times: ages are the replica's, by the replica's clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from debpress.archive import objects
from debpress.archive.flip import leave_a_second
from debpress.archive.headers import FRESH, TEXT
from debpress.archive.plain_names import PlainNames
from debpress.archive.suite import SuiteArchive
from debpress.concurrency import side_by_side
from debpress.errors import CorruptError, DebpressError, IndexGoneError
from debpress.index.release import Release
from debpress.layout import Layout
from debpress.records.generation import Generation
from debpress.records.messages.mirror import Followed, Mirrored
from debpress.steps import tidy
from debpress.steps.replication import Mirror, named
from debpress.store import Object, ObjectChanged, ObjectHeaders, PreconditionFailed
from debpress.suite.published import Published


def run(mirror: Mirror, *, tidying: bool = False) -> Mirrored:
    """Brings every configured suite up to date. A suite that can't be is passed over, so that the
    others are, and is no reason not to tidy: what its release names here is kept. The first such
    error is raised when all is done."""
    done, failed = {}, []
    for suite in mirror.replica.repository.suites:
        try:
            done[suite.suite] = _follow(mirror, suite.suite)
        except DebpressError as error:
            failed.append(error)
    tidied = tidy.run(mirror) if tidying else None
    if failed:
        raise failed[0]
    return Mirrored(done, tidied)


def _follow(mirror: Mirror, name: str) -> Followed:
    there, here = mirror.source.archive.suite(name), mirror.replica.archive.suite(name)
    wanted = there.inrelease()
    if wanted is None:
        return Followed(None, flipped=False, copied=0)
    found = here.inrelease()
    old, new = here.parse(found) if found else None, there.parse(wanted)
    behind = found is None or found.body != wanted.body
    seconds = (new.now - new.last_modified).total_seconds() if behind else 0.0
    # Said before the copying, so that one which never ends is seen, too.
    mirror.replica.measure(name, SecondsBehind=max(0.0, seconds))
    if not behind:
        if not _is_finished(mirror, name, old):
            _update_plain_names(mirror, here, new)
        return Followed(new.generation, flipped=False, copied=0)
    _check_rises(name, old, new)
    copied = _bring(mirror, _missing(mirror, name, old, new.release))
    _bring_records(mirror, name, new)
    leave_a_second(mirror.replica.clock, old)
    flipped = _flip(mirror, here, wanted, old)
    if flipped:
        _update_plain_names(mirror, here, new)
    return Followed(new.generation, flipped, copied)


def _check_rises(name: str, old: Published | None, new: Published) -> None:
    if old is not None and new.release.date <= old.release.date:
        raise CorruptError(
            f"{name}: the archive's release, of {new.release.date}, is not newer than the "
            f"replica's, of {old.release.date}, and differs; hosts would ignore it for ever, so it "
            "is not copied. Publish anything to that suite, which dates it anew"
        )


def _missing(mirror: Mirror, name: str, old: Published | None, new: Release) -> list[str]:
    """What the new release names and the replica may lack, in the order in which it is copied:
    packages before indices."""
    wanted = named(mirror.source, name, new)
    try:
        known = named(mirror.replica, name, old.release) if old else set()
    except IndexGoneError:
        known = set()  # Somebody deleted an index of the replica: nothing is taken for granted.
    return sorted(wanted - known, key=lambda key: ("/by-hash/" in key, key))


def _bring(mirror: Mirror, keys: Iterable[str]) -> int:
    """Copies what the replica lacks; gives how many.

    What it has is copied anew where it is old: `tidy` may be about to delete that version, though
    never one that is younger than the grace. (A call takes a quarter of an hour at most, and the
    reaping waits an hour longer than the grace.)
    """
    store, grace = mirror.replica.store, timedelta(hours=mirror.replica.repository.grace_hours)

    def bring(key: str) -> bool:
        head = store.head(key)
        if head is not None:
            now = head.served_at or mirror.replica.clock.now()
            if now - head.last_modified < grace:
                return False
        try:
            mirror.copier.copy(key)
        except ObjectChanged as error:
            raise IndexGoneError(key, altered=False) from error
        return True

    return sum(side_by_side(bring, list(keys)))


def _bring_records(mirror: Mirror, name: str, new: Published) -> None:
    """The generation's record and its signatures, which make the plain names; the public keys, and
    what sets new hosts up. Whoever signs was announced long before, so the keys that hosts get may
    as well be newer."""
    layout = mirror.replica.repository.layout
    keys = [layout.key_asc, layout.key_gpg, layout.sources(name)]
    keys += [layout.setup_script, layout.keyring_package]
    if new.generation:
        keys += [Layout.generation(name, new.generation), Layout.signed(name, new.generation)]
    for key in keys:
        try:
            mirror.copier.copy(key)
        except ObjectChanged:
            continue  # The signatures' record goes after thirty days.


def _flip(mirror: Mirror, here: SuiteArchive, wanted: Object, old: Published | None) -> bool:
    """Puts InRelease, where no other call came first."""
    headers = ObjectHeaders(TEXT, FRESH, dict(wanted.head.metadata))
    try:
        mirror.replica.store.put(
            mirror.replica.repository.layout.inrelease(here.path),
            wanted.body,
            headers,
            if_match=old.etag if old else None,
            if_absent=old is None,
        )
    except PreconditionFailed:
        return False
    return True


def _is_finished(mirror: Mirror, name: str, state: Published | None) -> bool:
    """Whether the last of the plain names, which are put side by side, were written since the flip:
    a call that died in between is made good by the next."""
    if state is None:
        return True
    layout = mirror.replica.repository.layout
    heads = side_by_side(
        mirror.replica.store.head, [layout.release(name), layout.release_gpg(name)]
    )
    return all(head is not None and head.last_modified >= state.last_modified for head in heads)


def _update_plain_names(mirror: Mirror, here: SuiteArchive, new: Published) -> None:
    if new.generation is None:
        return
    key = Layout.generation(here.path, new.generation)
    record = objects.find(mirror.replica.store, Generation, key)
    if record is not None:
        PlainNames(mirror.replica.store, mirror.replica.repository.layout, here.path).update(record)
