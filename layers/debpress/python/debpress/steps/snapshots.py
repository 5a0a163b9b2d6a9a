"""A snapshot is merged: not into its suite, which it does not change, but beside it."""

from __future__ import annotations

from debpress.clock import from_iso
from debpress.errors import Code, IndexGoneError, RejectedError
from debpress.layout import OPERATIONS
from debpress.records.batch import Plan, Problem, problems
from debpress.records.messages.merge import Merged, MergeOutput
from debpress.steps.services import Services
from debpress.suite import snapshot
from debpress.suite.operations import Snapshot


def take(services: Services, plan: Plan, operation: Snapshot) -> MergeOutput:
    """Stores the indices and the record of the snapshot that a run asks for."""
    archive, path, shown = services.archive, snapshot.path(plan), snapshot.shown(plan, operation)
    there = archive.suite(path).committed()
    if there is not None:
        return MergeOutput(Merged.DONE, path, plan.run, there.id)
    suite, started = plan.batch.suite, from_iso(plan.started_at)
    runs = archive.runs(suite)
    try:
        then = snapshot.release_of(services.repository, archive, suite, shown, started)
        archive.suite(suite).copy_indices(then, path)
    except IndexGoneError as error:
        message = f"generation {shown} is too old: {error.key} is deleted; take a newer one"
        runs.keep_refusals(plan.run, [Problem(OPERATIONS, Code.GENERATION_UNKNOWN, message)])
        return MergeOutput(Merged.REJECTED)
    except RejectedError as error:
        runs.keep_refusals(plan.run, problems(error.refusals))
        return MergeOutput(Merged.REJECTED)
    record = snapshot.generation(plan, operation, then)
    archive.suite(path).keep_record(record)
    return MergeOutput(Merged.MERGED, path, plan.run, record.id)
