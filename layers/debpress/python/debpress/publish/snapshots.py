"""Snapshots: a generation that hosts can go on reading, as a suite of its own for so many days.

`dists/snapshots/<id>/<suite>/` holds its InRelease and its indices; the pool is everybody's. All of
it follows from the run that asked (its id, its generation, its Date), so a step or an event that
comes twice makes the same snapshot and not a second one. It waits for no batch and no batch for it:
the generation is named when the run begins, and no InRelease but the snapshot's own is put.

docs/decisions/0005 tells the races, and what closes each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from debpress.clock import Clock, from_iso, iso
from debpress.config import Repository
from debpress.errors import Code, Refusal, RejectedError, TransientError
from debpress.index import release
from debpress.index.difference import difference
from debpress.index.entries import field
from debpress.index.packages import Checksum
from debpress.index.release import Release
from debpress.layout import OPERATIONS, Batch, Layout, snapshot_path, snapshotted
from debpress.publish import notes, operations, published
from debpress.publish.drafting import BY_HASH
from debpress.publish.notes import Manifest, Plan
from debpress.publish.opening import run_name
from debpress.publish.operations import Snapshot
from debpress.publish.published import Current, Generation
from debpress.store import ObjectChanged, Pin, Store

# Date is so far behind the run's beginning: a host's clock may lag (see merging.py).
_DATE_BEHIND = timedelta(seconds=60)

_COMPRESSED = (".gz", ".xz")


def asked(plan: Plan) -> Snapshot | None:
    """The snapshot that a run is to make, if that is what it is for."""
    for each in plan.operations:
        operation = operations.from_json(each)
        if isinstance(operation, Snapshot):
            return operation
    return None


def path(suite: str, run: str, started_at: str) -> str:
    """The suite path of the snapshot that a run makes."""
    digest = hashlib.sha256(run.encode()).hexdigest()[:8]
    return snapshot_path(f"{from_iso(started_at):%Y%m%dT%H%M%SZ}-{digest}", suite)


def of_result(result: Mapping[str, Any]) -> str:
    """The suite path of the snapshot that a published result answers."""
    run = run_name(Batch(**result["batch"]), Manifest(**result["manifest"]))
    return path(result["batch"]["suite"], run, result["started_at"])


def made(store: Store, layout: Layout, plan: Plan) -> Generation | None:
    """The record of the run's snapshot once hosts can read it."""
    suite = path(plan.batch.suite, plan.run, plan.started_at)
    head = store.head(layout.inrelease(suite))
    generation = head.metadata.get(published.GENERATION) if head else None
    return Generation.load(store, suite, generation) if generation else None


def merge(store: Store, repository: Repository, clock: Clock, plan: Plan) -> dict[str, Any]:
    """Puts the indices and the record of a run's snapshot, as `merge` does of a batch's flip.

    Returns the step's outcome, in which `suite` is the snapshot's path.
    """
    layout, suite = repository.layout, plan.batch.suite
    operation = asked(plan)
    assert operation is not None
    target = path(suite, plan.run, plan.started_at)
    answer = {"suite": target, "run": plan.run}
    if there := made(store, layout, plan):
        return {"outcome": "done", **answer, "generation": there.id}
    number = operation.generation or published.number(plan.base)
    started = from_iso(plan.started_at)
    try:
        then = plan_of(store, repository, clock, suite, number, started)
        _copy_indices(store, layout, suite, target, then, number)
    except RejectedError as error:
        notes.save_refusals(store, suite, plan.run, error.refusals)
        return {"outcome": "rejected"}
    date = (started - _DATE_BEHIND).replace(microsecond=0)
    text = replace(then, suite=target, date=date, valid_until=None).render()
    unnamed = Generation(
        id="",
        number=number,
        suite=target,
        parent=None,
        date=iso(date),
        cause="snapshot",
        by=plan.run,
        release=text.decode("utf-8", "surrogateescape"),
        batches=(plan.account(),),
        expires=iso(started + timedelta(days=operation.keep_days)),
    )
    digest = hashlib.sha256(notes.dump(unnamed.as_json())).hexdigest()[:16]
    record = replace(unnamed, id=f"{number:08}-{digest}")
    store.put(Layout.generation(target, record.id), notes.dump(record.as_json()), notes.JSON)
    return {"outcome": "merged", **answer, "generation": record.id}


def plan_of(
    store: Store,
    repository: Repository,
    clock: Clock,
    suite: str,
    number: int | None,
    started: datetime | None = None,
) -> Release:
    """The Release of the generation that a snapshot is to show (None: the published one), once all
    of it is seen to be there. Raises RejectedError as a rollback to it would."""
    layout = repository.layout
    state = published.current(store, layout, suite, clock.now())
    if state is None:
        message = f"suite {suite} publishes nothing yet; deploy it first"
        raise RejectedError([Refusal(OPERATIONS, Code.SUITE_UNKNOWN, message)])
    if number is None:
        number = published.number(state.generation)
    then = _kept(store, repository, suite, state, number, started or state.now)
    _refuse_reaped(store, layout, suite, state.release, then, number)
    return then


def _kept(
    store: Store,
    repository: Repository,
    suite: str,
    state: Current,
    number: int,
    started: datetime,
) -> Release:
    """The Release of a generation that was published within the grace, for a request as recent:
    what no suite names any more, the reaper takes an hour after that."""
    grace = timedelta(hours=repository.grace_hours)
    found = published.within(store, suite, state, grace, number)
    if found is None or state.now - started > grace:
        raise _unknown(
            f"{suite} has no generation {number} that a snapshot can be made of: it must have been "
            f"published, and be asked for, within the last {repository.grace_hours} hours; see "
            f"`debpress history --suite {suite}`, and ask again"
        )
    return release.parse(found.release.encode("utf-8", "surrogateescape"))


def wrong(store: Store, repository: Repository, clock: Clock, record: Generation) -> str | None:
    """Why a record is none of a snapshot that may be signed and be put now, or None.

    The signer and the committer ask, who take nothing on trust: it has to be, but for its name and
    its Date, the Release of a kept generation of a configured suite.
    """
    suite = snapshotted(record.suite)
    settings = repository.suite(suite) if suite else None
    if suite is None or settings is None or record.parent is not None or not record.expires:
        return f"generation {record.id} is no snapshot of a suite that is configured"
    state = published.current(store, repository.layout, suite, clock.now())
    if state is None:
        return f"suite {suite} publishes nothing"
    text = release.parse(record.release.encode("utf-8", "surrogateescape"))
    try:
        then = _kept(store, repository, suite, state, record.number, text.date)
    except RejectedError as error:
        return error.refusals[0].message
    names = (then.suite, then.origin, then.label, then.codename)
    if names != (suite, settings.origin, settings.label, settings.codename):
        return f"generation {record.number} is no Release of the suite {suite!r}"
    if text != replace(then, suite=record.suite, date=text.date, valid_until=None):
        return f"{record.suite} is not as generation {record.number} of {suite} was"
    return None


def _copy_indices(
    store: Store, layout: Layout, suite: str, target: str, then: Release, number: int
) -> None:
    """Every index under its hash below the snapshot's own dists, inside the store.

    Copied even where it is there already: see SuiteDraft._write.
    """

    def copy(name: str) -> None:
        sha256 = then.files[name].sha256
        key = layout.by_hash(suite, name, sha256)
        head = store.head(key)
        if head is None or head.size != then.files[name].size:
            raise _unknown(f"generation {number} is too old: {key} is deleted; take a newer one")
        try:
            # Its name is its content's: whichever version there is will do.
            store.copy(Pin(key, head.etag), layout.by_hash(target, name, sha256), BY_HASH)
        except ObjectChanged as error:
            raise TransientError(f"{key} was put anew just now; this passes") from error

    notes.side_by_side(copy, [name for name in then.files if name.endswith(_COMPRESSED)])


def _refuse_reaped(
    store: Store, layout: Layout, suite: str, now: Release, then: Release, number: int
) -> None:
    """Whether each package that is not published any more is still there, time or no time: the
    grace may have been shorter when it went."""
    wanted: dict[str, None] = {}
    for name, listed in then.files.items():
        if not name.endswith(".xz") or now.files[name] == listed:
            continue  # What a suite once listed, it lists for ever.
        old, new = (_index(store, layout, suite, name, r.files[name]) for r in (now, then))
        _, come = difference(old, new)
        wanted |= dict.fromkeys(field(text, "Filename") for text in come.values())
    heads = notes.side_by_side(lambda f: store.head(layout.pool(f)), wanted)
    gone = [f for f, head in zip(wanted, heads, strict=True) if head is None]
    if gone:
        raise _unknown(
            f"generation {number} is too old: {', '.join(gone[:5])} and in all {len(gone)} of its "
            "packages are deleted; take a newer one"
        )


def _index(store: Store, layout: Layout, suite: str, name: str, listed: Checksum) -> bytes:
    key = layout.by_hash(suite, name, listed.sha256)
    found = store.get(key)
    if found is None:
        raise _unknown(f"{key} is deleted; take a newer generation")
    return found.body


def _unknown(message: str) -> RejectedError:
    return RejectedError([Refusal(OPERATIONS, Code.GENERATION_UNKNOWN, message)])
