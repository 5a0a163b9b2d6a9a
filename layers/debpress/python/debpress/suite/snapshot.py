"""Snapshots: a generation that hosts can go on reading, as a suite of its own for so many days.

`dists/snapshots/<id>/<suite>/` holds its InRelease and its indices; the pool is everybody's. All of
it follows from the run that asked (its id, its generation, its Date), so a step or an event that
comes twice makes the same snapshot and not a second one. It waits for no batch and no batch for it:
the generation is named when the run begins, and no InRelease but the snapshot's own is put.

docs/decisions/0005 tells the races, and what closes each.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

from debpress.clock import from_iso, iso
from debpress.config import Repository
from debpress.errors import Code, IndexGoneError, RejectedError
from debpress.index import release
from debpress.index.difference import difference
from debpress.index.entries import field
from debpress.index.release import Release
from debpress.layout import DIFFS, snapshot_path, snapshotted
from debpress.records.batch import Plan
from debpress.records.generation import BatchOutcome, Generation, number
from debpress.records.result import Result
from debpress.suite import operations
from debpress.suite.dates import BEHIND
from debpress.suite.loader import Loader
from debpress.suite.merge import identified
from debpress.suite.operations import Snapshot, refused
from debpress.suite.published import Published, within_grace
from debpress.suite.runs import run_name


def asked(plan: Plan) -> Snapshot | None:
    """The snapshot that a run is to make, if that is what it is for."""
    for each in plan.operations:
        operation = operations.from_json(each)
        if isinstance(operation, Snapshot):
            return operation
    return None


def path(plan: Plan) -> str:
    """The suite path of the snapshot that a run makes."""
    return _path(plan.batch.suite, plan.run, plan.started_at)


def of_result(result: Result) -> str:
    """The suite path of the snapshot that a published result answers."""
    run = run_name(result.batch, result.manifest)
    return _path(result.batch.suite, run, result.started_at)


def _path(suite: str, run: str, started_at: str) -> str:
    digest = hashlib.sha256(run.encode()).hexdigest()[:8]
    return snapshot_path(f"{from_iso(started_at):%Y%m%dT%H%M%SZ}-{digest}", suite)


def shown(plan: Plan, operation: Snapshot) -> int:
    """The number of the generation that a run's snapshot shows: what was published as it began, if
    none was named."""
    return operation.generation or number(plan.base)


def generation(plan: Plan, operation: Snapshot, then: Release) -> Generation:
    """The record of a run's snapshot of the Release `then`."""
    started = from_iso(plan.started_at)
    date = (started - BEHIND).replace(microsecond=0)
    text = _shown_as(then, path(plan), date).render()
    return identified(
        Generation(
            id="",
            number=shown(plan, operation),
            suite=path(plan),
            parent=None,
            date=iso(date),
            cause="snapshot",
            by=plan.run,
            release=text.decode("utf-8", "surrogateescape"),
            batches=(BatchOutcome.of(plan),),
            expires=iso(started + timedelta(days=operation.keep_days)),
        )
    )


def _shown_as(then: Release, path_: str, date: datetime) -> Release:
    """A suite's Release as that of its snapshot. That never changes, so nothing leads on to it."""
    return replace(then.without(DIFFS), suite=path_, date=date, valid_until=None)


def release_of(
    repository: Repository,
    loader: Loader,
    suite: str,
    number_: int | None,
    started: datetime | None = None,
) -> Release:
    """The Release of the generation that a snapshot is to show (None: the published one), once all
    of it is seen to be there. Raises RejectedError as a rollback to it would."""
    state = loader.published(suite)
    if state is None:
        message = f"suite {suite} publishes nothing yet; deploy it first"
        raise refused(Code.SUITE_UNKNOWN, message)
    if number_ is None:
        number_ = number(state.generation)
    then = _kept(repository, loader, suite, state, (number_, started or state.now))
    _refuse_deleted(loader, suite, state.release, then, number_)
    return then


def _kept(
    repository: Repository,
    loader: Loader,
    suite: str,
    state: Published,
    wanted: tuple[int, datetime],
) -> Release:
    """The Release of a generation (its number, and when it was asked for) that was published within
    the grace, for a request as recent: what no suite names any more, the reaper takes an hour after
    that."""
    number_, started = wanted
    grace = timedelta(hours=repository.grace_hours)
    chain = loader.chain(suite, state.generation, None)
    found = within_grace(chain, state, grace, number_)
    if found is None or state.now - started > grace:
        raise refused(
            Code.GENERATION_UNKNOWN,
            f"{suite} has no generation {number_} that a snapshot can be made of: it must have "
            f"been published, and be asked for, within the last {repository.grace_hours} hours; "
            f"see `debpress history --suite {suite}`, and ask again",
        )
    return release.parse(found.text)


def wrong(repository: Repository, loader: Loader, record: Generation) -> str | None:
    """Why a record is none of a snapshot that may be signed and be put now, or None.

    The signer and the committer ask, who take nothing on trust: it has to be, but for its name and
    its Date, the Release of a kept generation of a configured suite.
    """
    suite = snapshotted(record.suite)
    settings = repository.suite(suite) if suite else None
    if suite is None or settings is None or record.parent is not None or not record.expires:
        return f"generation {record.id} is no snapshot of a suite that is configured"
    state = loader.published(suite)
    if state is None:
        return f"suite {suite} publishes nothing"
    text = release.parse(record.text)
    try:
        then = _kept(repository, loader, suite, state, (record.number, text.date))
    except RejectedError as error:
        return error.refusals[0].message
    names = (then.suite, then.origin, then.label, then.codename)
    if names != (suite, settings.origin, settings.label, settings.codename):
        return f"generation {record.number} is no Release of the suite {suite!r}"
    if text != _shown_as(then, record.suite, text.date):
        return f"{record.suite} is not as generation {record.number} of {suite} was"
    return None


def _refuse_deleted(loader: Loader, suite: str, now: Release, then: Release, number_: int) -> None:
    """Whether each package that is not published any more is still there, time or no time: the
    grace may have been shorter when it went."""
    wanted: dict[str, None] = {}
    for name, listed in then.files.items():
        if not name.endswith(".xz") or now.files[name] == listed:
            continue  # What a suite once listed, it lists for ever.
        try:
            old, new = (loader.form(suite, name, each.files[name]) for each in (now, then))
        except IndexGoneError as error:
            raise refused(
                Code.GENERATION_UNKNOWN, f"{error.key} is deleted; take a newer generation"
            ) from error
        _, come = difference(old, new)
        wanted |= dict.fromkeys(field(text, "Filename") for text in come.values())
    if gone := loader.missing(wanted):
        raise refused(
            Code.GENERATION_UNKNOWN,
            f"generation {number_} is too old: {', '.join(gone[:5])} and in all {len(gone)} of its "
            "packages are deleted; take a newer one",
        )
