"""Forgetting versions: their names may be given to other bytes, which no host can tell apart."""

from __future__ import annotations

from debpress.errors import Code
from debpress.index import relations
from debpress.index.entries import Identity
from debpress.index.relations import Relation
from debpress.records.generation import PackageOutcome, PackageRef
from debpress.records.gone import FORGOTTEN
from debpress.suite.draft import SuiteDraft, described
from debpress.suite.operations import Forget, refused


def forget(draft: SuiteDraft, operation: Forget) -> list[PackageOutcome]:
    """What the operation has forgotten, of every component: it counts from the next generation on.
    What was forgotten before is no error.

    Raises RejectedError for a version that is published, or never was.
    """
    effect: dict[tuple[str, ...], PackageOutcome] = {}
    for text in operation.packages:
        for each in _remembered(draft, relations.parse(text)):
            effect[*each.identity, each.sha256] = PackageOutcome.of(each, FORGOTTEN)
    return list(effect.values())


def _remembered(draft: SuiteDraft, wanted: Relation) -> list[PackageRef]:
    _refuse_published(draft, wanted)
    version = (wanted.package, wanted.version or "")
    gone = [described(t) for i, t in draft.taken_out().items() if wanted.matches(i)]
    if not gone and not draft.memory.known([version]):
        raise refused(
            Code.PACKAGE_UNKNOWN,
            f"{draft.suite} never had {wanted}; see `debpress history --suite {draft.suite} "
            f"--package {wanted.package}`",
        )
    return [*draft.memory.counting([version]), *gone]


def _refuse_published(draft: SuiteDraft, wanted: Relation) -> None:
    for identity in _published(draft, wanted):
        raise refused(
            Code.STILL_PUBLISHED,
            f"{identity} is published, and hosts may get it at any moment; remove it first, or in "
            "the same operations.json",
        )


def _published(draft: SuiteDraft, wanted: Relation) -> list[Identity]:
    return [
        entry.identity
        for component in draft.components
        for architecture in draft.architectures
        for entry in draft.index(component, architecture).named(wanted.package)
        if wanted.matches(entry.identity)
    ]
