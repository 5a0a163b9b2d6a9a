"""What operations would do now, by the code that does it; nothing is written."""

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
    archive: Archive, repository: Repository, suite: str, component: str, operation: Operation
) -> tuple[PackageOutcome, ...]:
    """What would come and go. Raises RejectedError as the operation would be rejected."""
    settings = repository.suite(suite)
    state = archive.published(suite)
    if settings is None or state is None:
        raise ConfigError(f"suite {suite!r} is not published here")
    if isinstance(operation, Snapshot):
        snapshot.release_of(repository, archive, suite, operation.generation)
        return ()
    draft = SuiteDraft(archive, settings, state)
    return operate.apply(Workspace(archive, repository, draft, state), component, [operation])
