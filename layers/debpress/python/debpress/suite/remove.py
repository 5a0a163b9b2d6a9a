"""Removing packages; refused where something that stays depends on exactly what would go."""

from __future__ import annotations

from debpress.index import relations
from debpress.index.entries import Entry, Identity
from debpress.records.generation import PackageOutcome
from debpress.suite.dependencies import Dependencies
from debpress.suite.draft import SuiteDraft, described
from debpress.suite.operations import Remove


def remove(
    draft: SuiteDraft, component: str, operation: Remove, dependencies: Dependencies
) -> list[PackageOutcome]:
    """Takes out what the operation names; what is not there is no error. `dependencies` is told
    what went, unless the operation is forced."""
    wanted = [relations.parse(text) for text in operation.packages]
    gone: dict[Identity, Entry] = {}
    for architecture in draft.architectures:
        index = draft.index(component, architecture)
        for relation in wanted:
            for entry in index.named(relation.package):
                if relation.matches(entry.identity) and operation.architecture in (
                    None,
                    entry.identity.architecture,
                ):
                    gone[entry.identity] = entry
    draft.take_out(component, gone.values())
    if not operation.force:
        dependencies.went(gone.values())
    return [PackageOutcome.of(described(e.text), "removed") for e in gone.values()]
