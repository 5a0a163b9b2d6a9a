"""A joint batch: one for several suites, which flip to it one after another, or none keeps it.

What every suite would say is asked before the first flips. A suite may all the same refuse when its
turn comes, since another batch came in between: then those that have flipped take out again what
they got (docs/protocol.md, "One batch, several suites").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from debpress.config import Repository
from debpress.errors import (
    Code,
    ConfigError,
    CorruptError,
    Refusal,
    RejectedError,
    SigningError,
)
from debpress.findings import printable
from debpress.index.entries import Entry, Identity
from debpress.records.batch import (
    AdmittedPackage,
    Flipped,
    Joint,
    Plan,
    Problem,
    QueueEntry,
)
from debpress.records.generation import BatchOutcome, Generation, PackageOutcome, number
from debpress.suite.draft import SuiteDraft, content_of
from debpress.suite.loader import Loader

_UNDO = ".undo"


def of_plan(repository: Repository, plan: Plan, suites: Sequence[str]) -> Joint | None:
    """What a manifest's `suites` ask for; None where that is one suite. Raises RejectedError."""
    batch, refusals = plan.batch, list[tuple[Code, str]]()
    first = repository.suite(batch.suite)
    if suites and suites[0] != batch.suite:
        told = f"the suites begin with {suites[0]!r}, and it was put to {batch.suite!r}"
        refusals.append((Code.MANIFEST_FIELD, f"{told}; name that one first, and then the others"))
    for name in suites[1:]:
        settings = repository.suite(name)
        if settings is None:
            known = ", ".join(each.suite for each in repository.suites)
            told = f"there is no suite {name!r} here; name some of: {known}"
            refusals.append((Code.SUITE_UNKNOWN, told))
        elif batch.component not in settings.components:
            told = f"suite {name} has no component {batch.component!r}; leave it out"
            refusals.append((Code.COMPONENT_UNKNOWN, told))
        elif first and settings.provenance != first.provenance:
            # Admission proves once, by the first one's policy.
            told = f"suite {name} asks otherwise than {first.suite} where packages are from"
            refusals.append((Code.MANIFEST_FIELD, f"{told}; make two batches"))
    passing = [name for name in suites if repository.life(name)]
    if len(suites) > 1 and passing:
        # It could end while the batch is on its way: then nothing could be asked, or taken out.
        told = f"{', '.join(passing)} may end at any time, so a batch for it is for it alone"
        refusals.append((Code.MANIFEST_FIELD, f"{told}; leave it out, and make a batch for it"))
    if len(suites) > 1 and not refusals:
        # The key has told S3 where the role may publish, and it names the first suite alone.
        for name in suites:
            if plan.uploader not in repository.uploaders_of(name, batch.component):
                told = (
                    f"the batch {batch.id!r} is no uploader's of {name}/{batch.component}, and for "
                    "several suites it must be in each of them"
                )
                refusals.append((Code.UPLOADER_UNKNOWN, told))
    if refusals:
        name = printable(plan.manifest_name)
        raise RejectedError(Refusal(name, code, message) for code, message in refusals)
    return Joint(tuple(suites)) if len(suites) > 1 else None


@dataclass(frozen=True, slots=True)
class Trial:
    """Of a batch that no suite has yet, in all of its suites."""

    loader: Loader
    repository: Repository
    joint: Joint

    def add(
        self, draft: SuiteDraft, component: str, packages: Sequence[AdmittedPackage]
    ) -> tuple[PackageOutcome, ...]:
        """Puts it into its first suite. Raises RejectedError, having changed nothing, with all that
        any of them has against it, as they are published now."""
        refusals: list[Refusal] = []
        for name in self.joint.suites[1:]:
            refusals += self._refusals(name, component, packages)
        before = draft.checkpoint()
        try:
            outcomes = draft.add(component, packages)
        except RejectedError as error:
            refusals += _named(self.joint.suites[0], error)
        if refusals:
            draft.restore(before)
            raise RejectedError(refusals)
        return outcomes

    def _refusals(
        self, name: str, component: str, packages: Sequence[AdmittedPackage]
    ) -> list[Refusal]:
        try:
            self._published(name).add(component, packages)
        except RejectedError as error:
            return _named(name, error)
        except (ConfigError, CorruptError, SigningError) as error:
            # That suite can't flip now. Raised, it would hold up whoever publishes in this one.
            return [Refusal("", Code.INTERNAL, f"in {name}: {error}")]
        return []

    def _published(self, name: str) -> SuiteDraft:
        settings, state = self.repository.suite(name), self.loader.published(name)
        if settings is None or state is None:
            message = f"suite {name} publishes nothing yet, or no more; deploy it first"
            raise RejectedError([Refusal("", Code.SUITE_UNKNOWN, message)])
        return SuiteDraft(self.loader, settings, state)


def _named(suite: str, error: RejectedError) -> list[Refusal]:
    return [replace(each, message=f"in {suite}: {each.message}") for each in error.refusals]


def withdraw(
    draft: SuiteDraft,
    component: str,
    chain: Iterable[Generation],
    taken: Flipped,
    entry: QueueEntry,
) -> tuple[PackageOutcome, ...]:
    """Takes out again what the batch brought, as far as it is still there. What of it was there
    before stays, and so does all of it where the record of that is lost. What others were told
    since that they have published stays as well, and is reported `unchanged` (docs/protocol.md,
    interleaving 55)."""
    brought, kept = _ours(chain, taken, base(entry.run), component)
    every = {Identity(p.package, p.version, p.architecture): p for p in entry.packages}
    identities = {identity: p for identity, p in every.items() if identity in brought}
    found = {
        identity: text
        for (where, identity), text in draft.find(identities).items()
        if where == component
        and identity in identities
        and content_of(text).sha256 == identities[identity].sha256
    }
    removed = [Entry(*pair) for pair in found.items() if pair[0] not in kept]
    draft.take_out(component, removed)
    return tuple(
        PackageOutcome.of(identities[each], "unchanged" if each in kept else "removed")
        for each in found
    )


def _ours(
    chain: Iterable[Generation], taken: Flipped, run: str, component: str
) -> tuple[set[tuple[str, str, str]], set[tuple[str, str, str]]]:
    """What a batch has brought to a suite's component; and what others were told since that they
    have there, unless they have let go of it.

    Where one that lets go leaves something to another, it is as if that one had brought it: and if
    it lets go as well, those count who came since the first.
    """
    brought, left, kept = (set[tuple[str, str, str]]() for _ in range(3))
    gone, flip = {run}, number(taken.generation)
    since = flip
    for record in chain:
        if record.number < since:
            break
        for outcome in (each for each in record.batches if each.batch.component == component):
            found = {p.identity for p in outcome.packages if p.action in ("added", "unchanged")}
            if outcome.kinds == ("withdraw",):
                gone.add(base(outcome.run))
                if found and outcome.joint:
                    left |= found
                    since = min(since, number(outcome.joint.done[-1].generation))
            elif record.id == taken.generation and outcome.run == run:
                brought = {p.identity for p in outcome.packages if p.action == "added"}
                brought |= left & found
            elif outcome.run not in gone:
                kept |= found if record.number >= flip else found & left
    return brought, kept


def decided(record: Generation, outcome: BatchOutcome, joint: Joint) -> Joint:
    """What is known of a joint batch when a generation has decided it in its suite."""
    if joint.errors is not None:
        return replace(joint, done=joint.done[:-1])
    if outcome.errors is not None:
        return turned(record.suite, outcome.errors, joint)
    return replace(joint, done=(*joint.done, Flipped(record.suite, record.id, record.date)))


def gone(suite: str, manifest: str, joint: Joint) -> Joint:
    """The same where the suite is configured no more, and so never decides it: it refuses, and has
    nothing to take out."""
    if joint.errors is not None:
        return replace(joint, done=joint.done[:-1])
    message = "it is configured no more; leave it out, and upload the manifest again"
    return turned(suite, (Problem(manifest, str(Code.SUITE_UNKNOWN), message),), joint)


def turned(suite: str, errors: Sequence[Problem], joint: Joint) -> Joint:
    """Nobody has it to let go of where the first one refuses, and what that says stands alone."""
    return replace(joint, errors=told(suite, errors, joint) if joint.done else tuple(errors))


def following(repository: Repository, joint: Joint) -> tuple[str | None, Joint]:
    """The suite whose turn it is, None where all are through; and what it is told.

    Forward while suites take it, in which case it may be one that is configured no more; and
    backward from the one that refuses, through those that have flipped, the last first. What is
    configured no more keeps what it has, since it flips no more.
    """
    if joint.errors is None:
        return next(iter(joint.suites[len(joint.done) :]), None), joint
    done = tuple(each for each in joint.done if repository.suite(each.suite))
    return (done[-1].suite if done else None), replace(joint, done=done)


def told(suite: str, errors: Sequence[Problem], joint: Joint) -> tuple[Problem, ...]:
    """The errors of the suite that refused after others had flipped."""
    had = ", ".join(each.suite for each in joint.done)
    after = f"; {had} had it for a moment, and has let go of it"
    return tuple(replace(e, message=f"in {suite}: {e.message}{after}") for e in errors)


def undoing(run: str) -> str:
    """The run that takes out what `run` brought; of such a one, itself."""
    return base(run) + _UNDO


def base(run: str) -> str:
    return run.removesuffix(_UNDO)
