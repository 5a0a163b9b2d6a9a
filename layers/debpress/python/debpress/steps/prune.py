"""prune: the daily schedule asks for a prune of every suite.

The request is an operations.json like any other, so it goes the way every change goes.
"""

from __future__ import annotations

from debpress.layout import OPERATIONS, Batch
from debpress.steps.services import Services
from debpress.suite.operations import Prune, as_manifest


def run(services: Services) -> list[Batch]:
    """Gives the batches that were asked for. A second one finds nothing left to prune."""
    name = f"prune-{services.clock.now():%Y%m%dT%H%M%SZ}"
    suites = services.repository.suites
    batches = [Batch(suite.suite, suite.components[0], name) for suite in suites]
    for batch in batches:
        services.archive.stage(batch.staging + OPERATIONS, as_manifest([Prune()]))
    return batches
