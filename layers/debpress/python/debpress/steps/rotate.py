"""rotate: one step of changing the signing key, refused where it comes too soon or out of turn.

A step writes what it wants (the record, by a conditional put), has every suite signed anew, looks
whether each InRelease is signed so, publishes the certificates, and writes that it is done. Dying
in between leaves a step that is not done: taking it again finishes it, going back undoes it, and no
other step is possible. From the moment of the record no older choice of keys outlives the new
signatures: what could still be committed after them was merged, hence signed, after the record.
In between, a release may be signed as the stage before says. Neighbouring stages have a signature
in common, so a host that was well before is well then, too.
"""

from __future__ import annotations

from debpress import openpgp
from debpress.archive import Archive
from debpress.config import Repository
from debpress.errors import SigningError
from debpress.keys import rotation as rules
from debpress.keys.certificates import known
from debpress.keys.publication import publish_keys
from debpress.keys.rotation import Asked, ConfiguredSigners
from debpress.keys.standing import standing
from debpress.records.rotation import Rotation
from debpress.steps.executions import Workflow, sign_all
from debpress.steps.services import Services


def run(services: Services, workflow: Workflow, uri: str, asked: Asked) -> Rotation:
    """Takes a step; returns the record as it then is. `uri` is where hosts find the root.

    Not done yet is what waits for a deployment: an announced signer must be configured. Raises
    RotationError saying what comes first, and what `set_up` raises.

    IAM: as set-up; s3:GetObject and s3:PutObject on the record, s3:GetObject on InRelease.
    """
    archive, repository = services.archive, services.repository
    stored = archive.rotation.find()
    current = stored.record if stored else rules.BEGINNING
    # By the store's clock where it tells: the same that dated the last step.
    now = (stored.now if stored else None) or services.clock.now()
    signers = _signers(archive, repository, asked)
    record = rules.wanted(current, asked, signers, repository.rotation_days, now)
    etag = stored.etag if stored else None
    if record != current or stored is None:
        etag = archive.rotation.keep(record, over=etag)
    if rules.waits_for_deployment(record, signers):
        return record
    sign_all(repository, services.clock, workflow)
    record = rules.completed(record, _signers(archive, repository, asked))
    _check_signatures(archive, repository)
    publish_keys(archive, repository, uri)
    if not record.done:
        # The time of the end, as hosts get it from now on; the first step has no other clock.
        record = rules.done(record, archive.rotation.now() or services.clock.now())
        archive.rotation.keep(record, over=etag)
    return record


def _signers(archive: Archive, repository: Repository, asked: Asked) -> ConfiguredSigners:
    """Who is configured, and the fingerprints of all who may be meant."""
    named = [uri for uri in (asked.to, asked.off) if uri is not None]
    found = {uri: known(archive, uri) for uri in (*repository.signers, *named)}
    prints = {uri: each.certificate.fingerprint for uri, each in found.items() if each}
    return ConfiguredSigners(repository.signers, prints)


def _check_signatures(archive: Archive, repository: Repository) -> None:
    """Whether every suite is signed by exactly the keys that the stage has sign."""
    keys = standing(archive, repository.signers)
    due = openpgp.fingerprints(keys.certificates)
    for suite in repository.suites:
        found = archive.suite(suite.suite).inrelease()
        if found is None:
            key = archive.layout.inrelease(suite.suite)
            raise SigningError(f"{key} is not there; deploy again")
        made = openpgp.verify_clearsigned(found.body, keys.certificates)
        by = openpgp.signers(made, keys.certificates)
        if by != due:
            raise SigningError(
                f"suite {suite.suite} is signed by {', '.join(sorted(by))}, and "
                f"{', '.join(sorted(due))} are due; take the step again"
            )
