"""The part of admission that asks where packages are from, for suites that have a policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from debpress.concurrency import side_by_side
from debpress.errors import Code, ProvenanceError, Refusal
from debpress.layout import BUNDLE
from debpress.provenance.judging import judge, refused
from debpress.provenance.policy import Policy
from debpress.provenance.proof import Proof
from debpress.records.batch import (
    OPERATOR,
    AdmittedPackage,
    Plan,
    Provenance,
    StagedFile,
    problems,
)
from debpress.steps.services import Services
from debpress.store import ObjectChanged

_Admitted = tuple[list[AdmittedPackage], list[Refusal]]


def proven(
    services: Services,
    policy: Policy,
    plan: Plan,
    numbers: Sequence[int],
    admit: Callable[[Plan], _Admitted],
) -> _Admitted:
    """What `admit` makes of the plan, each package with its provenance, and every refusal.

    The proofs are of the sums that the manifest gives; whatever has another is refused by `admit`.
    They come first: where one fails, the batch is rejected already, and nothing of it need get into
    the pool. All that is wrong with the packages is told all the same.

    An operator who lists files answers for them, and whatever names them says so for ever.
    """
    if plan.as_published:
        packages, refusals = admit(plan)
        return [replace(each, vouched_by=OPERATOR) for each in packages], refusals
    files = [plan.files[number] for number in numbers]
    proving = _Proving(services, policy, plan)
    found = dict(zip((f.name for f in files), side_by_side(proving.one, files), strict=True))
    unproven = [each for each in found.values() if isinstance(each, Refusal)]
    packages, refusals = admit(replace(plan, errors=(*plan.errors, *problems(unproven))))
    proofs = {name: each for name, each in found.items() if isinstance(each, Provenance)}
    kept = [replace(each, provenance=proofs.get(each.file)) for each in packages]
    return kept, [*refusals, *unproven]


class _Proving:
    def __init__(self, services: Services, policy: Policy, plan: Plan) -> None:
        self._services = services
        self._policy = policy
        self._plan = plan

    def one(self, file: StagedFile) -> Provenance | Refusal | None:
        """None: there is no bundle, and none is required."""
        bundles = self._services.archive.bundles
        try:
            body = bundles.staged(self._plan.batch.staging + file.name)
        except ProvenanceError as error:
            return refused(file.name, error)
        except ObjectChanged:
            message = f"{file.name}{BUNDLE} was replaced meanwhile; upload the manifest again"
            return Refusal(file.name, Code.FILE_CHANGED, message)
        found = judge(self._services.verifier, self._policy, file.name, file.sha256, body)
        if not isinstance(found, Proof):
            return found
        # Before the verdict that names it: whatever a generation names is there.
        kept = bundles.keep(file.sha256, found.bundle)
        said = found.claims
        return Provenance(kept, said.repository, said.workflow, said.ref, said.commit, said.run)
