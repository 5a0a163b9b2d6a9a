"""set_up: after a deployment, have every suite signed (a new one is empty), then publish the key.

For an absent InRelease S3 answers 403, at which apt fails (law 8). So each suite has an InRelease
before the sources file that tells hosts of it is published.

The record of the last success, `state/_setup.json`, is for roll-backs. CloudFormation answers a
set-up that failed with a second one that has the properties of before. Were that to sign, it would
fail at what the first one failed at (a key that is disabled, say), and the stack would be stuck in
UPDATE_ROLLBACK_FAILED. By the record it is told apart, and answered before anything is tried.
"""

from __future__ import annotations

from debpress.keys.publication import publish_keys
from debpress.records.setup import SetUpDone
from debpress.steps.executions import Workflow, sign_all, start_all
from debpress.steps.services import Services


def run(services: Services, workflow: Workflow, uri: str, properties: str) -> str:
    """Brings every suite in line with its configuration; returns the signing fingerprint.

    `uri` is where hosts find the root, `properties` a digest of the deployment's. Raises
    DebpressError when a suite's execution fails; then the deployment fails, too, so that nobody
    takes a repository that can't sign for a working one.
    """
    archive, repository = services.archive, services.repository
    sign_all(services, workflow)
    archive.keep_configuration(repository)
    fingerprint = publish_keys(archive, repository, uri).signing[0].certificate.fingerprint
    archive.setup.keep(SetUpDone(properties, fingerprint))
    return fingerprint


def done(services: Services, properties: str) -> str | None:
    """The fingerprint that the last successful set-up returned, if it was one of these properties:
    then a set-up of others has failed since, and the deployment is rolled back."""
    record = services.archive.setup.find()
    return record.fingerprint if record and record.properties == properties else None


def sign_again(services: Services, workflow: Workflow) -> None:
    """After a roll-back: begins to sign every suite anew, and waits for none. The set-up that
    failed may have signed some of them by a configuration that is gone."""
    start_all(services, workflow)
