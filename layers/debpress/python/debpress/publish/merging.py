"""merge: every batch that waits for a suite becomes one new generation, not yet visible.

Nothing here is seen by a host: indices go under their hashes, the Release into the generation's
record. Whoever commits first wins; the others merge again upon the winner.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from debpress.clock import Clock, from_iso, iso
from debpress.config import Repository, Suite
from debpress.errors import (
    Code,
    ConfigError,
    Refusal,
    RejectedError,
    TransientError,
)
from debpress.layout import OPERATIONS, Layout
from debpress.publish import notes, operations, published, snapshots
from debpress.publish.drafting import SuiteDraft
from debpress.publish.notes import Plan, Queued
from debpress.publish.operating import Operator
from debpress.publish.published import Current, Generation, Parent
from debpress.store import Store

# Date is set this far back, so that a host whose clock lags by as much does not refuse it: apt
# tolerates ten seconds. Releases that follow each other closely use the room up, a second each.
_DATE_BEHIND = timedelta(seconds=60)

# The share of its validity after which a release is signed anew. What fails then has as long again
# to be mended, and the alarm is at a half.
_RE_SIGNED = 1 / 3

# The oldest batch leads and takes the others along; they wait so long for it (its execution may
# have died) before they merge by themselves. A courtesy only: what is right depends on the commit.
_PATIENCE = timedelta(seconds=5)

# A decided batch whose entry still waits after this long has nobody left who would finish it: a
# function runs 15 minutes at most, and is tried five times.
_DEAD = timedelta(minutes=90)

# What was validated within the last hours is there: the reaper waits for a day, which is not
# looked into for every package of every publish.
_LONG_AGO = timedelta(hours=12)


def merge(
    store: Store,
    repository: Repository,
    clock: Clock,
    suite: str,
    run: str | None,
    *,
    heartbeat: bool = False,
) -> dict[str, Any]:
    """Builds the next generation on the one published now. Returns the step's outcome.

    `run` is the caller's own batch, None for a set-up, which only brings the suite in line with
    its configuration. A heartbeat signs anew what has been valid for a third of its time, and does
    nothing before that. Raises ConfigError when the configuration contradicts what hosts know.
    """
    settings = repository.suite(suite)
    if settings is None:
        raise ConfigError(f"suite {suite!r} is not configured; add it to debpress.suites")
    # The queue first: an entry leaves it when it is decided, and is then decided in what is read
    # after it.
    queued = _queue(store, suite)
    if run is not None and all(entry.plan.run != run for entry in queued):
        plan = Plan.load(store, suite, run)
        if snapshots.asked(plan):
            return snapshots.merge(store, repository, clock, plan)
    return _merge(store, repository, clock, settings, queued, run, heartbeat)


def _merge(
    store: Store,
    repository: Repository,
    clock: Clock,
    settings: Suite,
    queued: list[Queued],
    run: str | None,
    heartbeat: bool,
) -> dict[str, Any]:
    suite = settings.suite
    state = published.current(store, repository.layout, suite, clock.now())
    now = published.store_time(store, repository.layout, suite, state, clock)
    decided = _decided(store, suite, state, queued, run)
    if run in decided or (heartbeat and not _is_due(settings, state)):
        return {"outcome": "done", "generation": decided[run].id if run in decided else None}
    waiting = [entry for entry in queued if entry.plan.run not in decided]
    own = next((entry for entry in waiting if entry.plan.run == run), None)
    if run is not None and own is None:
        return _absent(store, suite, run, state)
    if own and waiting[0] is not own and _is_young(own, clock.now()):
        return {"outcome": "wait"}

    draft = SuiteDraft(store, repository.layout, settings, state.release if state else None)
    draft.read_ahead(p.architecture for entry in waiting for p in entry.packages)

    def take(entry: Queued) -> list[dict[str, Any]]:
        component = entry.plan.batch.component
        if not entry.plan.operations:
            _refuse_reaped(store, repository.layout, entry, now)
            return draft.add(component, entry.packages)
        if state is None:
            message = f"suite {suite} publishes nothing yet; deploy it first"
            raise RejectedError([Refusal(OPERATIONS, Code.SUITE_UNKNOWN, message)])
        asked = [operations.from_json(each) for each in entry.plan.operations]
        return Operator(store, repository, clock, draft, state).apply(component, asked)

    taken_in: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    for entry in waiting:
        if _is_alone(entry) and taken_in:
            break
        try:
            packages = take(entry)
            taken_in.append(_account(entry, packages))
            if _is_alone(entry):
                break
        except RejectedError as error:
            errors = [r.as_json() for r in error.refusals]
            refused.append({**_account(entry, []), "errors": errors})
    left = _left(queued, decided, now)
    must_flip = (
        # A set-up signs anew: the signers may be others now, and one that can't sign must fail.
        run is None
        or _is_contested(waiting, refused, run)
        # Ours comes after what this decides.
        or (own is not None and all(run != each["run"] for each in (*taken_in, *refused)))
    )
    cause = _cause(taken_in) or ("re-sign" if heartbeat else "set-up")
    generation = _generation(draft, state, now, run, cause, taken_in, refused, left, must_flip)
    if generation is not None:
        key = Layout.generation(suite, generation.id)
        store.put(key, notes.dump(generation.as_json()), notes.JSON)
        return {"outcome": "merged", "suite": suite, "run": run, "generation": generation.id}
    own_errors = [each["errors"] for each in refused if each["run"] == run]
    if run is None or not own_errors:
        return {"outcome": "done", "generation": state.generation if state else None}
    notes.save_refusals(store, suite, run, [Refusal.from_json(e) for e in own_errors[0]])
    return {"outcome": "rejected"}


def _is_due(settings: Suite, state: Current | None) -> bool:
    """Any publish signs anew, too; so where there is enough of them, none is ever due."""
    if settings.valid_for is None or state is None:
        return False
    used = state.release.used(state.now)
    return used is None or used >= _RE_SIGNED


def _refuse_reaped(store: Store, layout: Layout, entry: Queued, now: datetime) -> None:
    """A failed execution may be redriven when its files are gone from staging and pool. Its batch
    is refused then, lest it break the flip of everybody who would take it along."""
    if now - from_iso(entry.plan.started_at) < _LONG_AGO:
        return
    heads = notes.side_by_side(lambda p: store.head(layout.pool(p.filename)), entry.packages)
    gone = [p for p, head in zip(entry.packages, heads, strict=True) if head is None]
    if gone:
        message = f"was validated at {entry.plan.started_at} and deleted since; upload it again"
        raise RejectedError([Refusal(p.file, Code.FILE_MISSING, message) for p in gone])


def _is_alone(entry: Queued) -> bool:
    """Operations have a flip of their own: what they take out and what others bring might be the
    same, and a result must not say published of what its generation does not show."""
    return bool(entry.plan.operations)


def _is_young(entry: Queued, now: datetime) -> bool:
    # A clock that was set back must not make it wait for ever.
    return timedelta(0) <= now - from_iso(entry.queued_at) < _PATIENCE


def _queue(store: Store, suite: str) -> list[Queued]:
    """The waiting batches, the longest waiting first."""
    keys = [head.key for head in store.list(Layout.queue(suite))]
    # One may be finished, and its entry deleted, between the list and the read.
    found = notes.side_by_side(lambda key: notes.load(store, key), keys)
    entries = (Queued.from_json(data) for data in found if data is not None)
    return sorted(entries, key=lambda entry: entry.order)


def _decided(
    store: Store, suite: str, state: Current | None, queued: list[Queued], run: str | None
) -> dict[str | None, Generation]:
    """The runs that were taken in or refused already, though their queue entries may still stand.

    An entry outlives its flip when the flipper dies before it can delete it, and a repeated event
    queues a published batch again. Merging such an entry once more would bring back what was
    removed since, or publish what CI was told is refused; the chain of generations, back to where
    each run began, tells.
    """
    if state is None or state.generation is None:
        return {}
    bases = [entry.plan.base for entry in queued]
    if run is not None and all(entry.plan.run != run for entry in queued):
        bases.append(Plan.load(store, suite, run).base)
    if not bases:
        return {}
    base = min(bases, key=published.number)
    return {
        each: generation
        for generation in published.chain(store, suite, state.generation, base)
        for each in generation.decided
    }


def _left(
    queued: list[Queued], decided: dict[str | None, Generation], now: datetime
) -> list[dict[str, str]]:
    """The decided whose own execution and their flipper's must both be dead, so that nobody told
    their CI: whoever makes the next generation does."""
    found = ((entry.plan.run, decided.get(entry.plan.run)) for entry in queued)
    return [
        {"run": run, "generation": record.id}
        for run, record in found
        if record is not None and now - from_iso(record.date) > _DEAD
    ]


def _is_contested(waiting: list[Queued], refused: list[dict[str, Any]], run: str | None) -> bool:
    """Whether a merge beside this one may take in what is refused here, for an operation makes room
    for it there. Then the refusal must be a flip as well, so that one of the two loses."""
    ours = any(account["run"] == run for account in refused)
    return ours and len(waiting) > 1 and any(entry.plan.operations for entry in waiting)


def _absent(store: Store, suite: str, run: str, state: Current | None) -> dict[str, Any]:
    """A run that neither waits nor is decided in the chain: a repeat of its event was here first,
    and found it refused, or nothing new. `finish` sees whether somebody was told."""
    if notes.load_refusals(store, suite, run) is not None:
        return {"outcome": "rejected"}
    return {"outcome": "done", "generation": state.generation if state else None}


def _account(entry: Queued, packages: list[dict[str, Any]]) -> dict[str, Any]:
    return {**entry.plan.account(), "packages": packages}


def _generation(
    draft: SuiteDraft,
    state: Current | None,
    now: datetime,
    by: str | None,
    cause: str,
    taken: list[dict[str, Any]],
    refused: list[dict[str, Any]],
    left: list[dict[str, str]],
    must_flip: bool,
) -> Generation | None:
    """Writes the indices that changed; None where the suite would be as it is, and need not flip.

    Raises TransientError when the last Date is ahead of the store's clock.
    """
    old = state.release if state else None
    release = draft.release(old.date if old else now)
    if release == old and not must_flip:
        return None
    release = release.dated(next_date(now, old.date if old else None))
    unnamed = Generation(
        id="",
        number=published.number(state.generation if state else None) + 1,
        suite=release.suite,
        parent=Parent.of(state) if state else None,
        date=iso(release.date),
        cause=cause,
        by=by,
        release=release.render().decode("utf-8", "surrogateescape"),
        batches=tuple(taken),
        refused=tuple(refused),
        left=tuple(left),
        added=draft.added(),
        removed=draft.removed(),
    )
    digest = hashlib.sha256(notes.dump(unnamed.as_json())).hexdigest()[:16]
    return replace(unnamed, id=f"{unnamed.number:08}-{digest}")


def _cause(taken: list[dict[str, Any]]) -> str:
    """What a person reads in the history: `batch`, `prune`, `remove, batch`."""
    return ", ".join(dict.fromkeys(kind for account in taken for kind in account["kinds"]))


def next_date(now: datetime, previous: datetime | None) -> datetime:
    """The Date of a Release after `previous`: later than that, and never in the future (law 1).

    apt ignores an older one without a word and refuses one ten seconds ahead of its own clock.
    Raises TransientError when there is no such moment yet.
    """
    date = (now - _DATE_BEHIND).replace(microsecond=0)
    if previous is not None:
        date = max(date, previous + timedelta(seconds=1))
    if date > now:
        raise TransientError(
            f"the published Date, {previous}, is ahead of the store's clock, {now}; "
            "this passes when the clock reaches it"
        )
    return date
