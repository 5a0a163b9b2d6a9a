"""rotate: one step of changing the signing key, refused where it comes too soon or out of turn.

A step stores the new stage in the rotation's record (by a conditional put), has every suite signed
anew, checks that each InRelease is signed as the stage says, publishes the certificates, and stores
that it is done. If the function dies in between, the step is not done: taking it again finishes it,
`back` undoes it, and every other step is refused. Once all suites are signed anew, no release with
the signatures of the stage before can follow: whatever is committed later was merged on top of
them, hence signed after the record was stored. Until then a release may have the signatures of
either stage. Stages that follow each other have a signing key in common, so hosts accept both.
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
    """Takes a step and returns the rotation's record. `uri` is where hosts find the root.

    The returned step is not done where the announced signer is not configured yet: it waits for a
    deployment. Raises RotationError saying what must come first, and whatever `set_up` raises.

    IAM: as set-up; s3:GetObject and s3:PutObject on the record, s3:GetObject on InRelease.
    """
    archive, repository = services.archive, services.repository
    stored = archive.rotation.find()
    current = stored.record if stored else rules.BEGINNING
    # The store's clock, if known: it also dated the last step, so waiting times are exact.
    now = (stored.now if stored else None) or services.clock.now()
    signers = _signers(archive, repository, asked)
    record = rules.wanted(current, asked, signers, repository.rotation_days, now)
    etag = stored.etag if stored else None
    if record != current or stored is None:
        etag = archive.rotation.keep(record, over=etag)
    if rules.waits_for_deployment(record, signers):
        return record
    sign_all(services, workflow)
    record = rules.completed(record, _signers(archive, repository, asked))
    _check_signatures(archive, repository)
    publish_keys(archive, repository, uri)
    if not record.done:
        # A step is dated by its end, from which on hosts can get the certificates. (The first step
        # of all has found no record above, hence no clock of the store; now there is one.)
        record = rules.done(record, archive.rotation.now() or services.clock.now())
        archive.rotation.keep(record, over=etag)
    return record


def _signers(archive: Archive, repository: Repository, asked: Asked) -> ConfiguredSigners:
    """The configured signers; and the known fingerprints of them and of those in `asked`."""
    named = [uri for uri in (asked.to, asked.off) if uri is not None]
    found = {uri: known(archive, uri) for uri in (*repository.signers, *named)}
    prints = {uri: each.certificate.fingerprint for uri, each in found.items() if each}
    return ConfiguredSigners(repository.signers, prints)


def _check_signatures(archive: Archive, repository: Repository) -> None:
    """Checks that exactly the keys that sign at this stage have signed every suite. Raises
    SigningError if not."""
    keys = standing(archive, repository.signers)
    due = openpgp.fingerprints(keys.certificates)
    for suite in archive.every_suite(repository):
        found = archive.suite(suite).inrelease()
        if found is None:
            if repository.life(suite):
                continue  # It has ended, or is yet to come.
            raise SigningError(f"{archive.layout.inrelease(suite)} is not there; deploy again")
        made = openpgp.verify_clearsigned(found.body, keys.certificates)
        by = openpgp.signers(made, keys.certificates)
        if by != due:
            raise SigningError(
                f"suite {suite} is signed by {', '.join(sorted(by))}, and "
                f"{', '.join(sorted(due))} are due; take the step again"
            )
