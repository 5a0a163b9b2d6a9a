"""set_up: after a deployment every suite is signed, empty if need be, and hosts find the key.

S3 answers 403 for an absent InRelease, at which apt stops dead (law 8); so a suite has one before
anybody can know of it.
"""

from __future__ import annotations

from debpress.keys.publication import publish_keys
from debpress.steps.executions import Workflow, sign_all
from debpress.steps.services import Services


def run(services: Services, workflow: Workflow, uri: str) -> str:
    """Brings every suite in line with its configuration; returns the signing fingerprint.

    `uri` is where hosts find the root. Raises DebpressError when a suite's execution fails, and so
    the deployment does: a repository that can't sign is not one.
    """
    archive, repository = services.archive, services.repository
    sign_all(repository, services.clock, workflow)
    archive.keep_configuration(repository)
    return publish_keys(archive, repository, uri).signing[0].certificate.fingerprint
