"""set_up: after a deployment, have every suite signed (a new one is empty), then publish the key.

For an absent InRelease S3 answers 403, at which apt fails (law 8). So each suite has an InRelease
before the sources file that tells hosts of it is published.
"""

from __future__ import annotations

from debpress.keys.publication import publish_keys
from debpress.steps.executions import Workflow, sign_all
from debpress.steps.services import Services


def run(services: Services, workflow: Workflow, uri: str) -> str:
    """Brings every suite in line with its configuration; returns the signing fingerprint.

    `uri` is where hosts find the root. Raises DebpressError when a suite's execution fails; then
    the deployment fails, too, so that nobody takes a repository that can't sign for a working one.
    """
    archive, repository = services.archive, services.repository
    sign_all(repository, services.clock, workflow)
    archive.keep_configuration(repository)
    return publish_keys(archive, repository, uri).signing[0].certificate.fingerprint
