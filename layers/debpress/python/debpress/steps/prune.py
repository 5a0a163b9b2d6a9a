"""prune: the daily schedule asks for a prune of every suite.

It uploads an operations.json to staging, as an operator would, so that a prune goes through the
same workflow as every other change.
"""

from __future__ import annotations

from debpress.layout import OPERATIONS, Batch
from debpress.steps.services import Services
from debpress.suite.operations import Prune, as_manifest


def run(services: Services) -> list[Batch]:
    """Uploads the requests and returns their batches. Done twice, the second prune changes nothing,
    since the first has left nothing to prune."""
    name = f"prune-{services.clock.now():%Y%m%dT%H%M%SZ}"
    suites = services.repository.suites
    batches = [Batch(suite.suite, suite.components[0], name) for suite in suites]
    for batch in batches:
        services.archive.stage(batch.staging + OPERATIONS, as_manifest([Prune()]))
    return batches
