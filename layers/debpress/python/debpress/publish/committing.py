"""commit: one conditional PutObject of InRelease makes a generation visible, all of it at once."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from debpress import openpgp
from debpress.clock import Clock
from debpress.config import Repository
from debpress.errors import CorruptError, LossError, TransientError
from debpress.index import release
from debpress.index.difference import difference
from debpress.index.entries import field
from debpress.index.packages import Checksum
from debpress.index.release import Release
from debpress.layout import Layout, snapshotted
from debpress.publish import notes, published, snapshots
from debpress.publish.published import EXPIRES, GENERATION, Current, Generation
from debpress.store import Head, Object, ObjectHeaders, PreconditionFailed, Store

# Hosts ask for InRelease each time, and a cache in between may not answer with an older one than
# the indices it has.
_FRESH = "no-cache"
_TEXT = "text/plain; charset=utf-8"
_SECOND = timedelta(seconds=1)

# A second is usual. More means that the store's clock went back, and a function's time costs.
_LONGEST_WAIT = 5.0

# The plain names carry the sum of their bytes, to tell a stale one without reading it.
_SHA256 = "sha256"


def commit(
    store: Store,
    repository: Repository,
    clock: Clock,
    certificates: list[bytes],
    suite: str,
    generation: str,
    others: Sequence[bytes] = (),
) -> dict[str, Any]:
    """Flips the suite to a generation, or finds that the race is lost. Returns the outcome: `lost`
    also where the flip was of others' batches that came first.

    `certificates` are those whose keys sign now, each of which must have; `others` those that hosts
    are told to trust beside them. A step of a rotation between signing and here makes it `lost` as
    well: merged again, it is signed as the rotation now says.

    A try that died after its put is found in the chain of generations and carried on. Raises
    TransientError, or, before the flip and when it must not happen, LossError, SigningError or
    CorruptError.
    """
    record = Generation.load(store, suite, generation)
    layout = repository.layout
    state = published.current(store, layout, suite, clock.now())
    moved = (state.etag if state else None) != (record.parent.etag if record.parent else None)
    if moved and not _is_in(store, state, record):
        return {"outcome": "lost"}
    if not moved:
        signed = notes.load(store, Layout.signed(suite, generation))
        if signed is None:
            raise CorruptError(f"generation {generation} was not signed; redrive the execution")
        inrelease = signed["inrelease"].encode("utf-8", "surrogateescape")
        # Once more: a step that comes late would name what the reaper is about to take.
        if snapshotted(suite) and (message := snapshots.wrong(store, repository, clock, record)):
            raise CorruptError(f"{message}; nothing was published")
        if not _check_signature(inrelease, record, certificates, others):
            return {"outcome": "lost"}
        new = release.parse(record.release.encode("utf-8", "surrogateescape"))
        _check_nothing_lost(store, layout, record, state.release if state else None, new)
        _check_all_there(store, layout, record, state.release if state else None, new)
        _leave_a_second(clock, state)
        try:
            _put(store, layout, record, inrelease, record.parent.etag if record.parent else None)
        except PreconditionFailed:
            # Perhaps to our own earlier try, whose answer did not arrive.
            if not _is_in(store, published.current(store, layout, suite, clock.now()), record):
                return {"outcome": "lost"}
    _see_it_rise(store, layout, clock, record)
    _courtesies(store, layout, suite)
    if record.by is not None and record.by not in record.decided:
        return {"outcome": "lost"}  # It was the turn of others; ours is yet to be merged.
    return {"outcome": "committed"}


def _is_in(store: Store, state: Current | None, record: Generation) -> bool:
    """An earlier try of this step flipped, and perhaps others did since: what is left to do are the
    courtesies, which that try may have left half done."""
    base = record.parent.generation if record.parent else None
    newest = state.generation if state else None
    return any(each.id == record.id for each in published.chain(store, record.suite, newest, base))


def _put(
    store: Store, layout: Layout, record: Generation, inrelease: bytes, if_match: str | None
) -> Head:
    expires = {EXPIRES: record.expires} if record.expires else {}
    headers = ObjectHeaders(_TEXT, _FRESH, {GENERATION: record.id, **expires})
    return store.put(
        layout.inrelease(record.suite),
        inrelease,
        headers,
        if_match=if_match,
        if_absent=if_match is None,
    )


def _check_signature(
    inrelease: bytes, record: Generation, certificates: Sequence[bytes], others: Sequence[bytes]
) -> bool:
    """Whether it is signed by exactly who signs now. Raises where a signature is not good."""
    made = openpgp.verify_clearsigned(inrelease, [*certificates, *others])
    text, _ = openpgp.split(inrelease)
    if text != record.release.encode("utf-8", "surrogateescape"):
        raise CorruptError(f"the signed text of generation {record.id} is not its Release")
    return openpgp.signers(made, [*certificates, *others]) == openpgp.fingerprints(certificates)


def _check_nothing_lost(
    store: Store, layout: Layout, record: Generation, old: Release | None, new: Release
) -> None:
    """Law 11, from the bytes that hosts will read and not from what merge says it did."""
    if old is None:
        return
    dropped = sorted(set(old.files) - set(new.files))
    if dropped:
        raise LossError(f"generation {record.id} would no longer list {', '.join(dropped)}")
    for name in old.files:
        if not name.endswith(".xz") or old.files[name] == new.files[name]:
            continue
        before, after = (
            _index(store, layout, record.suite, name, r.files[name].sha256) for r in (old, new)
        )
        gone, come = difference(before, after)
        asked = {
            (p["package"], p["version"], p["architecture"])
            for p in (record.removed or {}).get(name.removesuffix(".xz"), [])
        }
        for identity, text in gone.items():
            if identity in come:
                if field(come[identity], "SHA256") != field(text, "SHA256"):
                    raise LossError(f"generation {record.id} would change the bytes of {identity}")
            elif identity not in asked:
                raise LossError(
                    f"generation {record.id} would lose {identity} from {name}, which nobody asked "
                    "to remove; nothing was published"
                )


def _index(store: Store, layout: Layout, suite: str, name: str, sha256: str) -> bytes:
    key = layout.by_hash(suite, name, sha256)
    found = store.get(key)
    if found is None:
        raise CorruptError(f"{key} is gone; nothing was published")
    return found.body


def _check_all_there(
    store: Store, layout: Layout, record: Generation, old: Release | None, new: Release
) -> None:
    """Law 8: what is newly named exists. What was named before is kept by the reaper's grace."""
    known = old.files if old else {}
    wanted = {
        layout.by_hash(record.suite, name, listed.sha256): listed.size
        for name, listed in new.files.items()
        if name.endswith((".gz", ".xz")) and known.get(name) != listed
    }
    for packages in (record.added or {}).values():
        wanted.update({layout.pool(p["filename"]): p["size"] for p in packages})
    heads = notes.side_by_side(store.head, wanted)
    for head, (key, size) in zip(heads, wanted.items(), strict=True):
        if head is None or head.size != size:
            state = "is not there" if head is None else f"is {head.size} bytes, not {size}"
            raise CorruptError(f"{key} {state}; nothing was published: upload the batch again")


def _leave_a_second(clock: Clock, state: Current | None) -> None:
    """Law 2: apt asks by Last-Modified in whole seconds and never sees a second flip in one."""
    if state is not None:
        _sleep_past(clock, state.last_modified, state.now)


def _sleep_past(clock: Clock, modified: datetime, now: datetime) -> None:
    wait = (modified.replace(microsecond=0) + _SECOND - now).total_seconds()
    if wait > _LONGEST_WAIT:
        raise TransientError(
            f"the last flip was at {modified}, by the store's clock, which now says {now}; this "
            "passes when the clock is beyond that"
        )
    # served_at has whole seconds, so the store may be up to one later than it says, never earlier.
    if wait > 0:
        clock.sleep(wait + 0.05)


def _see_it_rise(store: Store, layout: Layout, clock: Clock, record: Generation) -> None:
    """Checks law 2 after the put; where the store's seconds were equal, puts the same again."""
    key = layout.inrelease(record.suite)
    for _ in range(3):
        found = store.get(key)
        if found is None or found.head.metadata.get(GENERATION) != record.id:
            return  # The next flip is there already, and looks after itself.
        if record.parent is None or found.head.last_modified > record.parent.modified:
            return
        clock.sleep(1.05)
        try:
            _put(store, layout, record, found.body, found.head.etag)
        except PreconditionFailed:
            return
    raise TransientError(f"the Last-Modified of {key} does not rise; this passes with time")


def _courtesies(store: Store, layout: Layout, suite: str) -> None:
    """The plain names, for readers that know no by-hash: made to agree with InRelease.

    Two committers may do this at once, the slower with the older state. Each looks at InRelease
    again when it is done and starts over if it moved, so whoever writes last has written what is
    published.
    """
    done = ""
    while True:
        found = store.get(layout.inrelease(suite))
        if found is None or found.head.etag == done:
            return
        _write_plain(store, layout, suite, found)
        done = found.head.etag


def _write_plain(store: Store, layout: Layout, suite: str, inrelease: Object) -> None:
    text, _ = openpgp.split(inrelease.body)
    generation = inrelease.head.metadata.get(GENERATION, "")
    signed = notes.load(store, Layout.signed(suite, generation)) if generation else None
    if signed is None:
        return  # Older than its notes are kept: its plain names were written when it was new.
    files = release.parse(text).files
    # Looked at one by one, as a committer that died half way through leaves any mixture.
    heads = notes.side_by_side(store.head, [layout.dist(suite, name) for name in files])
    stale = [
        name
        for name, head in zip(files, heads, strict=True)
        if head is None or head.metadata.get(_SHA256) != files[name].sha256
    ]
    notes.side_by_side(lambda name: _write_index(store, layout, suite, name, files), stale)
    headers = ObjectHeaders(_TEXT, _FRESH)
    store.put(layout.release(suite), text, headers)
    store.put(layout.release_gpg(suite), signed["release_gpg"].encode(), headers)


def _write_index(
    store: Store, layout: Layout, suite: str, name: str, files: Mapping[str, Checksum]
) -> None:
    headers = ObjectHeaders(cache_control=_FRESH, metadata={_SHA256: files[name].sha256})
    # The text itself has no by-hash object: apt never asks for it where .xz and .gz are listed.
    form = name if name.endswith((".gz", ".xz")) else f"{name}.gz"
    body = _index(store, layout, suite, form, files[form].sha256)
    store.put(layout.dist(suite, name), body if form == name else gzip.decompress(body), headers)
