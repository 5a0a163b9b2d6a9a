"""prune: the daily schedule asks for a prune of every suite.

It uploads an operations.json to staging, as an operator would, so that a prune goes through the
same workflow as every other change. It asks for a partial prune: after a prune that was missed the
next one has more to remove than the configured share, and if it were refused for that, the one
after it would have still more.
"""

from __future__ import annotations

from datetime import datetime

from debpress.config import Suite
from debpress.layout import OPERATIONS, Batch
from debpress.steps.services import Services
from debpress.suite.operations import Prune, as_manifest

ASKED = Prune(partial=True)


def suites(services: Services) -> list[Suite]:
    """Those that are pruned: every one that there is. IAM: as `archive.living`; s3:GetObject on
    InRelease."""
    repository, archive = services.repository, services.archive
    there = [n for n in archive.living(repository) if archive.head(archive.layout.inrelease(n))]
    return [*repository.suites, *(found for n in there if (found := repository.suite(n)))]


def run(services: Services, scheduled: datetime | None = None) -> list[Batch]:
    """Uploads the requests and returns their batches. `scheduled` is the time that the schedule's
    call is for: a call that comes twice uploads one request, so that the share is taken once
    (docs/protocol.md, interleaving 34). None: a request of its own."""
    name = f"prune-{scheduled or services.clock.now():%Y%m%dT%H%M%SZ}"
    batches = [Batch(suite.suite, suite.components[0], name) for suite in suites(services)]
    for batch in batches:
        services.archive.stage_once(batch.staging + OPERATIONS, as_manifest([ASKED]))
    services.measure(None, PrunesAsked=len(batches))
    return batches
