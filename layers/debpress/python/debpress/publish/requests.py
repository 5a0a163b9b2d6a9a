"""Asking for operations from outside the workflow: by the schedule, or by an operator's command.

The request is an operations.json like any other, so it goes the way every change goes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from debpress.clock import Clock
from debpress.config import Repository
from debpress.errors import ConfigError
from debpress.layout import OPERATIONS, Batch
from debpress.publish import published, snapshots
from debpress.publish.drafting import SuiteDraft
from debpress.publish.operating import Operator
from debpress.publish.operations import Operation, Prune, Snapshot, as_json
from debpress.store import Head, Store


def request(store: Store, batch: Batch, operations: Sequence[Operation]) -> Head:
    """Uploads operations under a batch's name; its result answers it."""
    listed = []
    for operation in operations:
        fields = {k: v for k, v in as_json(operation).items() if v is not None and v is not False}
        if fields["op"] == "copy":
            fields["from"] = {key: fields.pop(key) for key in ("suite", "component")}
        listed.append(fields)
    body = json.dumps({"version": 1, "operations": listed}).encode()
    return store.put(batch.staging + OPERATIONS, body)


def request_prune(store: Store, repository: Repository, clock: Clock) -> list[Batch]:
    """Asks for a prune of every suite. A second one finds nothing left to prune."""
    name = f"prune-{clock.now():%Y%m%dT%H%M%SZ}"
    batches = [Batch(s.suite, s.components[0], name) for s in repository.suites]
    for batch in batches:
        request(store, batch, [Prune()])
    return batches


def dry_run(
    store: Store,
    repository: Repository,
    clock: Clock,
    suite: str,
    component: str,
    operations: Sequence[Operation],
) -> list[dict[str, Any]]:
    """What the operations would do now, by the code that does it; writes nothing.

    Raises RejectedError as the operations would be rejected.
    """
    settings = repository.suite(suite)
    state = published.current(store, repository.layout, suite, clock.now())
    if settings is None or state is None:
        raise ConfigError(f"suite {suite!r} is not published here")
    for operation in operations:
        if isinstance(operation, Snapshot):
            snapshots.plan_of(store, repository, clock, suite, operation.generation)
            return []
    draft = SuiteDraft(store, repository.layout, settings, state.release)
    return Operator(store, repository, clock, draft, state).apply(component, operations)
