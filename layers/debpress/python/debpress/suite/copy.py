"""Naming packages of one suite in another as well; no byte moves."""

from __future__ import annotations

from collections.abc import Iterator

from debpress.errors import Code
from debpress.index import relations
from debpress.index.entries import Entry
from debpress.index.order import BY_VERSION
from debpress.index.versions import Content
from debpress.records.generation import PackageOutcome
from debpress.suite.dependencies import Dependencies
from debpress.suite.draft import SuiteDraft, content_of, described
from debpress.suite.operations import Copy, refused
from debpress.suite.workspace import Workspace


def copy(
    workspace: Workspace, component: str, operation: Copy, dependencies: Dependencies
) -> list[PackageOutcome]:
    """Raises RejectedError for what the other suite has not, and for a version that is here with
    other bytes (law 4). `dependencies` is told what came, unless the operation is forced."""
    source = workspace.other(operation.suite)
    if source is None or operation.component not in source.components:
        raise refused(
            Code.SUITE_UNKNOWN,
            f"there is no component {operation.component!r} of a suite {operation.suite!r} to "
            "copy from",
        )
    effect = []
    for text in operation.packages:
        found = list(_chosen(workspace.draft, source, operation.component, text))
        if not found:
            raise refused(
                Code.PACKAGE_UNKNOWN,
                f"{operation.suite}/{operation.component} has nothing that is {text}; see "
                f"`debpress list --suite {operation.suite}`",
            )
        effect += _put(workspace.draft, component, found)
        if not operation.force:
            dependencies.came(found, source)
    return effect


def _chosen(draft: SuiteDraft, source: SuiteDraft, component: str, text: str) -> Iterator[Entry]:
    """What a relation means there, of architectures that there are here; no version: the newest."""
    relation = relations.parse(text)
    ours = {"all", *draft.architectures}
    found = {
        entry.identity: entry
        for architecture in source.architectures
        for entry in source.index(component, architecture).named(relation.package)
        if relation.matches(entry.identity) and entry.identity.architecture in ours
    }
    versions = {identity.version for identity in found}
    if relation.operator is None and versions:
        versions = {max(versions, key=BY_VERSION)}
    return (entry for identity, entry in found.items() if identity.version in versions)


def _put(draft: SuiteDraft, component: str, entries: list[Entry]) -> list[PackageOutcome]:
    here = draft.find(e.identity for e in entries)
    wanted = [content_of(entry.text) for entry in entries]
    effect = []
    for entry, other in zip(entries, draft.instead(here, wanted), strict=True):
        if other is not None:
            raise refused(Code.VERSION_REUSED, _reused(other, content_of(entry.text)))
        known = (component, entry.identity) in here
        if not known:
            draft.put(component, entry.text)
        action = "unchanged" if known else "added"
        effect.append(PackageOutcome.of(described(entry.text), action))
    return effect


def _reused(here: Content, there: Content) -> str:
    when = f"was here until {here.until}" if here.until else "is here"
    return (
        f"{here.identity} {when} with SHA-256 {here.sha256}, {there.identity} there with "
        f"{there.sha256}; copy another version"
    )
