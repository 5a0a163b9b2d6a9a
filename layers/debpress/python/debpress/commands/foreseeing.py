"""What the press will refuse of a batch, told before a byte is sent: the steps' own rules, asked on
this machine, by the configuration as it is deployed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from debpress.clock import Clock, iso
from debpress.commands.beside import refused_by
from debpress.commands.packages import LocalPackage
from debpress.commands.sending import Document
from debpress.config import Repository, Suite
from debpress.errors import Code, Refusal, RejectedError
from debpress.layout import Batch
from debpress.records.batch import ManifestRef, Plan
from debpress.suite import admission
from debpress.suite import batch as rules
from debpress.suite.staged import StagedObject

_WRITTEN = "manifest.json"


def foreseen(
    repository: Repository | None,
    batch: Batch,
    manifest: Document,
    packages: Sequence[LocalPackage],
    clock: Clock,
) -> list[Refusal]:
    """What is wrong with where the packages are put, by whom, for which suites, and with their
    provenance; of paths as they were named. Nothing where nobody knows the configuration here, and
    then the press tells all of it; as it tells what depends on the packages that a suite has."""
    if repository is None:
        return []
    body, place = manifest.body, f"{batch.suite}/{batch.component}"
    where = ManifestRef(batch.staging + manifest.name, "", None)
    plan = Plan("", batch, where, iso(clock.now()), execution="", base=None)
    staged = [StagedObject(each.name, each.size, "") for each in packages]
    try:
        plan, listed = rules.listed_by(repository, plan, len(body), body)
        plan = rules.plan_of_files(repository, plan, listed, staged)
    except RejectedError as error:
        return _named(error.refusals, packages, place)
    except ModuleNotFoundError:
        return []  # The small client verifies no signature of a .changes.
    suites = admission.suites_of(plan)
    found = [Refusal(each.file, Code(each.code), each.message) for each in plan.errors]
    for package in packages:
        unfit = admission.unfit(repository, plan, package.identity[0], package.built_for)
        found += (Refusal(package.name, code, message) for code, message in unfit)
    return [*_named(found, packages, place), *refused_by(repository, suites, packages)]


def foreign(suite: Suite, packages: Sequence[LocalPackage]) -> list[Refusal]:
    """Which packages are for machines that the suite is not for; of paths as they were named."""
    said = ((p, admission.foreign(suite.suite, suite.architectures, p.built_for)) for p in packages)
    return [Refusal(str(package.path), *wrong) for package, wrong in said if wrong]


def _named(
    refusals: Sequence[Refusal], packages: Sequence[LocalPackage], place: str
) -> list[Refusal]:
    """Of paths as they were named; or of `place`, where a refusal is of a manifest.json that is yet
    to be written, and nobody has."""
    paths = {_WRITTEN: place, **{each.name: str(each.path) for each in packages}}
    return [replace(each, file=paths.get(each.file, each.file)) for each in refusals]
