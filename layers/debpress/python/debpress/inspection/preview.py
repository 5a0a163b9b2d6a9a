"""Previews operations, with the rules by which a merge applies them; writes nothing."""

from __future__ import annotations

from debpress.archive import Archive
from debpress.config import Repository
from debpress.errors import ConfigError
from debpress.records.generation import PackageOutcome
from debpress.suite import operate, snapshot
from debpress.suite.draft import SuiteDraft
from debpress.suite.operations import Operation, Snapshot
from debpress.suite.workspace import Workspace


def preview(
    archive: Archive, repository: Repository, suite: str, component: str, *operations: Operation
) -> tuple[PackageOutcome, ...]:
    """The packages that operations would add and remove now, in one flip. Raises RejectedError
    where they would be rejected."""
    settings = repository.suite(suite)
    state = archive.published(suite)
    if settings is None or state is None:
        raise ConfigError(f"suite {suite!r} is not published here")
    for each in operations:
        if isinstance(each, Snapshot):
            snapshot.release_of(repository, archive, suite, each.generation)
            return ()
    draft = SuiteDraft(archive, settings, state)
    workspace = Workspace(archive, repository, draft, state)
    return operate.apply(workspace, component, list(operations)).packages
