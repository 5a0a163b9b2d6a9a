"""Applying operators' operations to the draft of a suite: all of them, or none."""

from __future__ import annotations

from collections.abc import Iterable

from debpress.errors import Code, DebpressError, RejectedError
from debpress.records.generation import PackageOutcome
from debpress.suite import copy, forget, prune, remove, rollback
from debpress.suite.dependencies import Dependencies
from debpress.suite.draft import SuiteDraft
from debpress.suite.effect import Effect
from debpress.suite.operations import (
    Copy,
    End,
    Forget,
    Operation,
    Prune,
    Remove,
    Rollback,
    Snapshot,
    refused,
)
from debpress.suite.workspace import Workspace


def apply(workspace: Workspace, component: str, operations: Iterable[Operation]) -> Effect:
    """Raises RejectedError having changed nothing."""
    draft = workspace.draft
    before = draft.checkpoint()
    dependencies = Dependencies(draft)
    packages: list[PackageOutcome] = []
    left_over = 0
    try:
        for operation in operations:
            effect = _apply(workspace, component, operation, dependencies)
            packages += effect.packages
            left_over += effect.left_over
        # Only now: one operation may bring, or take out, what another one needs.
        if broken := dependencies.broken():
            raise refused(
                Code.DEPENDENCY_BROKEN,
                f"{'; '.join(broken[:5])} ({len(broken)} in all); remove or copy those too, or "
                "force it",
            )
    except RejectedError:
        draft.restore(before)
        raise
    return Effect(tuple(packages), left_over)


def _end(draft: SuiteDraft) -> Effect:
    """Nothing goes yet: the generation has another end (`suite.merge`)."""
    if not draft.lives:
        message = f"suite {draft.suite} is configured by its name, and stays; remove packages of it"
        raise refused(Code.MANIFEST_FIELD, message)
    return Effect(())


def _apply(
    workspace: Workspace, component: str, operation: Operation, dependencies: Dependencies
) -> Effect:
    match operation:
        case Remove():
            gone = remove.remove(workspace.draft, component, operation, dependencies)
            return Effect(tuple(gone))
        case Copy():
            return Effect(tuple(copy.copy(workspace, component, operation, dependencies)))
        case Rollback():
            return Effect(tuple(rollback.roll_back(workspace, operation.to)))
        case Prune():
            pruned, left_over = prune.prune(workspace, partial=operation.partial)
            return Effect(tuple(pruned), left_over)
        case Forget():
            return Effect(tuple(forget.forget(workspace.draft, operation)))
        case End():
            return _end(workspace.draft)
        case Snapshot():
            raise DebpressError("a snapshot changes no suite: it has no place in a draft of one")
