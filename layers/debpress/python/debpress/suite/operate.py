"""Applying operators' operations to the draft of a suite: all of them, or none."""

from __future__ import annotations

from collections.abc import Iterable

from debpress.errors import Code, DebpressError, RejectedError
from debpress.records.generation import PackageOutcome
from debpress.suite import copy, forget, prune, remove, rollback
from debpress.suite.dependencies import Dependencies
from debpress.suite.operations import (
    Copy,
    Forget,
    Operation,
    Prune,
    Remove,
    Rollback,
    Snapshot,
    refused,
)
from debpress.suite.workspace import Workspace


def apply(
    workspace: Workspace, component: str, operations: Iterable[Operation]
) -> tuple[PackageOutcome, ...]:
    """Raises RejectedError having changed nothing; returns what came and what went."""
    draft = workspace.draft
    before = draft.checkpoint()
    dependencies = Dependencies(draft)
    effect: list[PackageOutcome] = []
    try:
        for operation in operations:
            effect += _apply(workspace, component, operation, dependencies)
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
    return tuple(effect)


def _apply(
    workspace: Workspace, component: str, operation: Operation, dependencies: Dependencies
) -> list[PackageOutcome]:
    match operation:
        case Remove():
            return remove.remove(workspace.draft, component, operation, dependencies)
        case Copy():
            return copy.copy(workspace, component, operation, dependencies)
        case Rollback():
            return rollback.roll_back(workspace, operation.to)
        case Prune():
            return prune.prune(workspace)
        case Forget():
            return forget.forget(workspace.draft, operation)
        case Snapshot():
            raise DebpressError("a snapshot changes no suite: it has no place in a draft of one")
