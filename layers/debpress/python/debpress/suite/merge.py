"""What a merge comes to: every batch that waits for a suite in one new generation, or in none."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from debpress import codec
from debpress.clock import from_iso, iso
from debpress.config import Repository, Suite
from debpress.errors import Code, ConfigError, Refusal, RejectedError
from debpress.index import release
from debpress.index.form import Form
from debpress.index.writer import Built
from debpress.layout import OPERATIONS
from debpress.records.batch import Joint, Plan, Problem, QueueEntry, bounded, problems
from debpress.records.generation import (
    BatchOutcome,
    Ended,
    Generation,
    Unanswered,
    number,
)
from debpress.records.gone import FORGOTTEN
from debpress.records.messages.merge import MergeInput
from debpress.suite.dates import next_date
from debpress.suite.draft import SuiteDraft
from debpress.suite.effect import Effect
from debpress.suite.loader import Loader
from debpress.suite.published import Published
from debpress.suite.workspace import Workspace

# The share of its validity after which a release is signed anew. What fails then has as long again
# to be mended, and the alarm is at a half.
_RE_SIGNED = 1 / 3

# A decided batch whose entry still waits after this long has nobody left who would finish it: a
# function runs 15 minutes at most, and is tried five times.
DEAD = timedelta(minutes=90)

# What was validated within the last hours is there: the reaper waits for a day, which is not
# looked into for every package of every publish.
_LONG_AGO = timedelta(hours=12)

# Kinds by which a suite of a pattern is published to, and lives on.
_PROLONGING = {"batch", "copy"}

# Of a batch. A generation's record holds them for ever, and that of a batch for several suites is
# read in each of them.
_MOST_ERRORS = 1000


@dataclass(frozen=True, slots=True)
class Situation:
    """What a merge found. `queue` has the longest waiting first and was read before `state`: an
    entry that left it in between is decided in `state`'s chain. `decided` gives the generations of
    that chain by the runs that they decided. `now` is the store's clock. `ended` is how the last
    life of the suite ended, where it is, or was, one of a pattern and has no `state`, and as long
    as that is kept. `refused` are batches of the queue that were refused already, by their runs,
    with the errors."""

    queue: Sequence[QueueEntry]
    state: Published | None
    decided: Mapping[str, Generation]
    now: datetime
    ended: Ended | None = None
    refused: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)

    @property
    def newest(self) -> str | None:
        """The id of the last generation there was."""
        if self.state is not None:
            return self.state.generation
        return self.ended.generation if self.ended else None


@dataclass(frozen=True, slots=True)
class Flip:
    """A generation to be signed and committed, and the indices that it names anew; of Contents the
    stored forms, by their own names."""

    generation: Generation
    indices: Mapping[str, Built]
    contents: Mapping[str, Form]


@dataclass(frozen=True, slots=True)
class Done:
    """It is in already, or nothing changes; `generation` shows it."""

    generation: str | None


@dataclass(frozen=True, slots=True)
class Reject:
    """The run is refused, and nobody else's verdict depends on that."""

    errors: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Absent:
    """The run neither waits nor is decided: a repeat of its event was here first."""


def decide(
    repository: Repository, loader: Loader, asked: MergeInput, found: Situation
) -> Flip | Done | Reject | Absent:
    """Raises ConfigError when the configuration contradicts what hosts know, and what a `Loader`
    raises."""
    settings = repository.suite(asked.suite)
    if settings is None:
        raise ConfigError(f"suite {asked.suite!r} is not configured; add it to debpress.suites")
    if asked.run is not None and asked.run in found.decided:
        return Done(found.decided[asked.run].id)
    if asked.heartbeat and not _is_due(settings, found.state):
        return Done(None)
    if asked.run is None and settings.life and found.state is None:
        return Done(None)  # It has ended meanwhile: it begins with a publish alone.
    waiting = [entry for entry in found.queue if entry.run not in found.decided]
    own = next((entry for entry in waiting if entry.run == asked.run), None)
    if asked.run is not None and own is None:
        return Absent()
    return _Merge(repository, settings, loader, asked, found).take(waiting)


def oldest_base(queue: Iterable[QueueEntry], own: Plan | None) -> str | None:
    """How far back a chain has to be walked to tell what of the queue, and of the caller's own run,
    is decided: to where the oldest of these began. None: to its beginning."""
    bases = [entry.plan.base for entry in queue] + ([own.base] if own else [])
    return min(bases, key=number, default=None)


def decided(chain: Iterable[Generation]) -> dict[str, Generation]:
    """The runs that were taken in or refused already, though their queue entries may still stand.

    An entry outlives its flip when the flipper dies before it can delete it, and a repeated event
    queues a published batch again. Merging such an entry once more would bring back what was
    removed since, or publish what CI was told is refused (docs/protocol.md, interleaving 4).
    """
    return {run: generation for generation in chain for run in generation.decided}


class _Merge:
    """Takes what waits, in order, into a draft."""

    def __init__(
        self,
        repository: Repository,
        settings: Suite,
        loader: Loader,
        asked: MergeInput,
        found: Situation,
    ) -> None:
        self._repository = repository
        self._life = settings.life
        self._settings = settings
        self._loader = loader
        self._asked = asked
        self._found = found
        self._taken: list[BatchOutcome] = []
        self._refused: list[BatchOutcome] = []

    def take(self, waiting: Sequence[QueueEntry]) -> Flip | Done | Reject:
        state = self._found.state
        draft = SuiteDraft(self._loader, self._settings, state, self._found.newest)
        draft.read_ahead(package for entry in waiting for package in entry.packages)
        for entry in waiting:
            outcome = BatchOutcome.of(entry.plan)
            if errors_before := self._found.refused.get(entry.run):
                self._refused.append(outcome.refused(errors_before))
                continue
            if _is_alone(entry) and self._taken:
                break
            try:
                effect = self._put(draft, entry)
                self._taken.append(outcome.taken(effect.packages, effect.left_over))
                if _is_alone(entry):
                    break
            except RejectedError as error:
                errors = bounded(problems(error.refusals), _MOST_ERRORS)
                self._refused.append(outcome.refused(errors))
        # A suite of a pattern is not there for the sake of what is refused.
        is_due = bool(self._taken or state or not self._life)
        flip = self._flip(draft, must=self._must_flip(waiting)) if is_due else None
        if flip is not None:
            return flip
        own = [each.errors or () for each in self._refused if each.run == self._asked.run]
        if self._asked.run is None or not own:
            return Done(state.generation if state else None)
        return Reject(own[0])

    def _put(self, draft: SuiteDraft, entry: QueueEntry) -> Effect:
        component = entry.plan.batch.component
        if entry.plan.joint:
            return self._put_joint(draft, entry, entry.plan.joint)
        if not entry.plan.operations:
            self._refuse_reaped(entry)
            return Effect(draft.add(component, entry.packages))
        if self._found.state is None:
            first = "publish packages to it" if self._life else "deploy it"
            message = f"suite {draft.suite} publishes nothing yet; {first} first"
            raise RejectedError([Refusal(OPERATIONS, Code.SUITE_UNKNOWN, message)])
        from debpress.suite import operate, operations  # noqa: PLC0415 (of few publishes)

        asked = [operations.from_json(each) for each in entry.plan.operations]
        workspace = Workspace(self._loader, self._repository, draft, self._found.state)
        return operate.apply(workspace, component, asked)

    def _put_joint(self, draft: SuiteDraft, entry: QueueEntry, asked: Joint) -> Effect:
        from debpress.suite import joint  # noqa: PLC0415 (of few publishes)

        component = entry.plan.batch.component
        if asked.errors is not None:
            newest = self._found.state.generation if self._found.state else None
            chain = self._loader.chain(draft.suite, newest, None)
            return Effect(joint.withdraw(draft, component, chain, asked.done[-1], entry))
        self._refuse_reaped(entry)
        if asked.is_first:
            trial = joint.Trial(self._loader, self._repository, asked)
            return Effect(trial.add(draft, component, entry.packages))
        return Effect(draft.add(component, entry.packages))

    def _refuse_reaped(self, entry: QueueEntry) -> None:
        """A failed execution may be redriven when its files are gone from staging and pool. Its
        batch is refused then, lest it break the flip of everybody who would take it along."""
        if self._found.now - from_iso(entry.plan.started_at) < _LONG_AGO:
            return
        gone = set(self._loader.missing(p.filename for p in entry.packages))
        message = f"was validated at {entry.plan.started_at} and deleted since; upload it again"
        if gone:
            raise RejectedError(
                Refusal(p.file, Code.FILE_MISSING, message)
                for p in entry.packages
                if p.filename in gone
            )

    def _must_flip(self, waiting: Sequence[QueueEntry]) -> bool:
        """Whether there has to be a generation though it may change no index."""
        run = self._asked.run
        decided_here = {each.run for each in (*self._taken, *self._refused)}
        return (
            # A set-up signs anew: the signers may be others now, and one that can't sign must fail.
            run is None
            or self._is_contested(waiting)
            # What is forgotten is in no index, and counts from this generation on.
            or any(p.action == FORGOTTEN for each in self._taken for p in each.packages)
            # What becomes of a joint batch elsewhere follows from what is decided here, so the
            # chain has to tell it for ever (docs/protocol.md, interleaving 46).
            or any(each.joint for each in (*self._taken, *self._refused))
            # Its end is another one, though it has what it had.
            or bool(self._life and self._kinds & {"end", *_PROLONGING})
            # Ours comes after what this decides.
            or run not in decided_here
        )

    @property
    def _kinds(self) -> set[str]:
        return {kind for each in self._taken for kind in each.kinds}

    def _is_contested(self, waiting: Sequence[QueueEntry]) -> bool:
        """Whether a merge beside this one may take in what is refused here, because an operation
        makes room for it there. Then the refusal must be a flip as well, so that one of the two
        loses (docs/protocol.md, interleaving 20)."""
        ours = any(each.run == self._asked.run for each in self._refused)
        return ours and len(waiting) > 1 and any(entry.plan.operations for entry in waiting)

    def _flip(self, draft: SuiteDraft, *, must: bool) -> Flip | None:
        """None where the suite would be as it is, and need not flip. Raises TransientError when the
        last Date is ahead of the store's clock."""
        state, now, ended = self._found.state, self._found.now, self._found.ended
        old = state.release if state else None
        # Hosts may still have what the suite was before its end, and would ignore an older Date.
        last = old or (release.parse(ended.text) if ended else None)
        drafted = draft.build(old.date if old else now)
        if drafted.release == old and not must:
            return None
        made = drafted.release.dated(next_date(now, last.date if last else None))
        generation = Generation(
            id="",
            number=number(self._found.newest) + 1,
            suite=made.suite,
            parent=state.as_parent() if state else None,
            date=iso(made.date),
            cause=self._cause(),
            by=self._asked.run,
            release=made.render().decode("utf-8", "surrogateescape"),
            batches=tuple(self._taken),
            refused=tuple(self._refused),
            unanswered=unanswered(self._found),
            added=draft.added(),
            removed=draft.removed(),
            expires=self._expires(made.date),
            after=ended.generation if ended else None,
        )
        return Flip(identified(generation), drafted.indices, drafted.contents)

    def _expires(self, date: datetime) -> str | None:
        """The end of a suite of a pattern: so many days after it was last published to. Whatever
        else flips it leaves its end as it is: signed anew or pruned, it lives no longer."""
        if self._life is None:
            return None
        if "end" in self._kinds:
            return iso(date)
        state = self._found.state
        if state is None or state.expires is None or self._kinds & _PROLONGING:
            return iso(date + timedelta(days=self._life.ttl_days))
        return iso(state.expires)

    def _cause(self) -> str:
        """What a person reads in the history: `batch`, `prune`, `remove, batch`."""
        kinds = dict.fromkeys(kind for each in self._taken for kind in each.kinds)
        return ", ".join(kinds) or ("re-sign" if self._asked.heartbeat else "set-up")


def identified(generation: Generation) -> Generation:
    """With its id, which follows from all of its content."""
    digest = hashlib.sha256(codec.dump(generation)).hexdigest()[:16]
    return replace(generation, id=f"{generation.number:08}-{digest}")


def unanswered(found: Situation) -> tuple[Unanswered, ...]:
    """The decided whose own execution and their flipper's must both be dead, so that nobody told
    their CI: whoever makes the next generation does."""
    pairs = ((entry.run, found.decided.get(entry.run)) for entry in found.queue)
    return tuple(
        Unanswered(run, record.id)
        for run, record in pairs
        if record is not None and found.now - from_iso(record.date) > DEAD
    )


def _is_due(settings: Suite, state: Published | None) -> bool:
    """Any publish signs anew, too; so where there is enough of them, none is ever due."""
    if settings.valid_for is None or state is None:
        return False
    used = state.release.used(state.now)
    return used is None or used >= _RE_SIGNED


def _is_alone(entry: QueueEntry) -> bool:
    """Operations have a flip of their own: what they take out and what others bring might be the
    same, and a result must not say published of what its generation does not show."""
    return entry.plan.kinds != ("batch",)
