"""Gathers the facts of the bucket that follows in another Region, and has them judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from debpress import guards
from debpress.adapters import bucket_settings
from debpress.adapters.deployed import Deployed
from debpress.adapters.s3 import S3Store
from debpress.archive import Archive
from debpress.archive.suite import SuiteArchive
from debpress.config import Repository
from debpress.doctor import bucket, policies, stacks
from debpress.doctor import replica as following
from debpress.doctor.deployment import Deployment
from debpress.doctor.findings import Finding, Unseen, unseen
from debpress.errors import DebpressError
from debpress.store import Object


def examined(
    deployed: Deployed,
    name: str,
    deployment: Deployment,
    archive: Archive,
    repository: Repository,
    now: datetime,
) -> list[Finding]:
    """What is found of the replica that the press of this name says it has; nothing where it says
    of none. `now` is by S3's clock."""
    place, region = deployment.output("Replica"), deployment.output("ReplicaRegion")
    if place is None or region is None:
        return []
    there = deployed.elsewhere(region)
    found, made = _stack(there, stacks.replica(name))
    properties = made.bucket(place)
    s3, layout = there.client("s3"), repository.layout
    facts = bucket_settings.settings(s3, place)
    found += bucket.check(facts, properties, layout, uploads=False)
    wanted = made.bucket_policy(place)
    if wanted is None:
        role = guards.role_arn(
            guards.role_name(name, "mirror", region), deployed.account, deployed.partition
        )
        wanted = guards.replica(f"arn:{deployed.partition}:s3:::{place}", layout, role)
    found += policies.check("bucket policy", wanted, bucket_settings.policy(s3, place))
    here = archive.elsewhere(S3Store(s3, place))
    for each in repository.suites:
        shown = _read(archive.suite(each.suite)), _read(here.suite(each.suite))
        found.append(following.check(each.suite, *shown, now))
    return found


def _stack(there: Deployed, name: str) -> tuple[list[Finding], Deployment]:
    stack = there.stack(name)
    found: Iterator[Finding] = stacks.check({name: stack}, there.region)
    if stack is None or isinstance(stack, Unseen):
        return [*found], Deployment(())
    resources = there.resources(name)
    if isinstance(resources, Unseen):
        return [*found, unseen("stacks", f"the template of {name}", resources)], Deployment(())
    return [*found], Deployment((replace(stack, resources=resources),))


def _read(suite: SuiteArchive) -> Object | Unseen | None:
    try:
        return suite.inrelease()
    except DebpressError as error:
        return Unseen(str(error))
