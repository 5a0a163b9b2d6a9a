"""merge: every batch that waits for a suite becomes one new generation, not yet visible.

Nothing here is seen by a host: indices go under their hashes, the Release into the generation's
record. Whoever commits first wins; the others merge again upon the winner.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from debpress.clock import Clock, from_iso, iso
from debpress.config import Repository, Suite
from debpress.errors import Code, ConfigError, DebpressError, Refusal, TransientError
from debpress.index.entries import Identity, field
from debpress.index.packages import Sum
from debpress.index.release import Release
from debpress.layout import Layout, index_name
from debpress.publish import notes, published
from debpress.publish.indices import Indices, find_all
from debpress.publish.notes import Admitted, Queued
from debpress.publish.published import Current, Generation, Parent
from debpress.store import Store

# Date is set this far back, so that a host whose clock lags by as much does not refuse it: apt
# tolerates ten seconds. Releases that follow each other closely use the room up, a second each.
_DATE_BEHIND = timedelta(seconds=60)

# The oldest batch leads and takes the others along; they wait so long for it (its execution may
# have died) before they merge by themselves. A courtesy only: what is right depends on the commit.
_PATIENCE = timedelta(seconds=5)


def merge(
    store: Store, repository: Repository, clock: Clock, suite: str, run: str | None
) -> dict[str, Any]:
    """Builds the next generation on the one published now. Returns the step's outcome.

    `run` is the caller's own batch, None for a set-up, which only brings the suite in line with
    its configuration. Raises ConfigError when the configuration contradicts what hosts know.
    """
    settings = repository.suite(suite)
    if settings is None:
        raise ConfigError(f"suite {suite!r} is not configured; add it to debpress.suites")
    state = published.current(store, repository.layout, suite, clock.now())
    now = state.now if state else clock.now()
    waiting = _queue(store, suite)
    taken = _taken(store, suite, state, waiting, run)
    if run in taken:
        return {"outcome": "done", "generation": taken[run].id}
    waiting = [entry for entry in waiting if entry.plan.run not in taken]
    own = next((entry for entry in waiting if entry.plan.run == run), None)
    if run is not None and own is None:
        return _absent(store, suite, run)
    if own and waiting[0] is not own and _is_young(own, clock.now()):
        return {"outcome": "wait"}

    build = _Build(store, repository.layout, settings, state)
    build.read_ahead(waiting)
    for entry in waiting:
        build.take(entry)
    build.fill_new_indices()
    generation = build.generation(now, run)
    if generation is not None:
        key = Layout.generation(suite, generation.id)
        store.put(key, notes.dump(generation.as_json()), notes.JSON)
        return {
            "outcome": "merged",
            "suite": suite,
            "run": run,
            "generation": generation.id,
        }
    if run in build.refused:
        notes.save_refusals(store, suite, str(run), build.refused[str(run)])
        return {"outcome": "rejected"}
    return {"outcome": "done", "generation": state.generation if state else None}


def _is_young(entry: Queued, now: datetime) -> bool:
    # A clock that was set back must not make it wait for ever.
    return timedelta(0) <= now - from_iso(entry.queued_at) < _PATIENCE


def _queue(store: Store, suite: str) -> list[Queued]:
    """The waiting batches, the longest waiting first."""
    keys = [head.key for head in store.list(Layout.queue(suite))]
    # One may be finished, and its entry deleted, between the list and the read.
    found = notes.side_by_side(lambda key: notes.load(store, key), keys)
    entries = (Queued.from_json(data) for data in found if data is not None)
    return sorted(entries, key=lambda entry: entry.order)


def _taken(
    store: Store, suite: str, state: Current | None, waiting: list[Queued], run: str | None
) -> dict[str | None, Generation]:
    """The runs that are in already, though their queue entries may still stand.

    An entry outlives its flip when the flipper dies before it can delete it, and a repeated event
    queues a published batch again. Merging such an entry once more would bring back what was
    removed since; the chain of generations, back to where each run began, tells.
    """
    if state is None or state.generation is None:
        return {}
    bases = [entry.plan.base for entry in waiting]
    if run is not None and all(entry.plan.run != run for entry in waiting):
        bases.append(notes.Plan.load(store, suite, run).base)
    if not bases:
        return {}
    base = min(bases, key=published.number)
    return {
        taken: generation
        for generation in published.chain(store, suite, state.generation, base)
        for taken in generation.runs
    }


def _absent(store: Store, suite: str, run: str) -> dict[str, Any]:
    """A run that neither waits nor is in: somebody else's flip refused it, and said why."""
    if notes.load_refusals(store, suite, run) is not None:
        return {"outcome": "rejected"}
    raise DebpressError(
        f"the queue entry of run {run} is gone; upload the batch's manifest again to start anew"
    )


class _Build:
    """A generation in the making."""

    def __init__(self, store: Store, layout: Layout, suite: Suite, state: Current | None) -> None:
        self.suite = suite
        self.state = state
        if state:
            _same_names(suite, state.release)
        old = state.release if state else None
        # What a suite once had stays listed: a host that asks for it must not be told an error.
        self.components = _union(old.components if old else (), suite.components)
        self.architectures = _union(old.architectures if old else (), suite.architectures)
        self.old_files = dict(old.files) if old else {}
        self.indices = Indices(store, layout, suite.suite, self.old_files)
        self.add: dict[str, dict[Identity, bytes]] = {}
        self.sums: dict[Identity, str] = {}
        self.batches: list[dict[str, Any]] = []
        self.refused: dict[str, list[Refusal]] = {}
        self.refused_plans: list[dict[str, Any]] = []
        self.added: dict[str, list[dict[str, Any]]] = {}

    def read_ahead(self, waiting: list[Queued]) -> None:
        """Reads, side by side, every index that `take` will look into."""
        wanted = {p.architecture for entry in waiting for p in entry.packages}
        if "all" in wanted:
            wanted |= set(self.architectures)
        names = [index_name(c, a) for c in self.components for a in wanted - {"all"}]
        notes.side_by_side(self.indices.read, names)

    def take(self, entry: Queued) -> None:
        """Takes a batch in whole, or refuses it whole."""
        here = find_all(
            self.indices, self.components, self.architectures, map(_identity, entry.packages)
        )
        known = {identity: field(text, "SHA256") for (_, identity), text in here.items()}
        known.update(self.sums)
        refusals = [
            _reused(p, known[_identity(p)])
            for p in entry.packages
            if known.get(_identity(p), p.sha256) != p.sha256
        ]
        account = {
            "run": entry.plan.run,
            "batch": entry.plan.batch.as_json(),
            "manifest": entry.plan.manifest.as_json(),
            "started_at": entry.plan.started_at,
            "execution": entry.plan.execution,
            "ignored": list(entry.plan.ignored),
        }
        if refusals:
            self.refused[entry.plan.run] = refusals
            errors = [r.as_json() for r in refusals]
            self.refused_plans.append({**account, "packages": [], "errors": errors})
            return
        packages = [
            {**p.public(), "action": self._add(entry.plan.batch.component, p, here)}
            for p in entry.packages
        ]
        self.batches.append({**account, "packages": packages})

    def _add(
        self, component: str, package: Admitted, here: dict[tuple[str, Identity], bytes]
    ) -> str:
        identity = _identity(package)
        text = package.stanza.encode("utf-8", "surrogateescape")
        action = "unchanged"
        for name in self._places(component, package.architecture):
            new = self.add.setdefault(name, {})
            if (component, identity) not in here and identity not in new:
                new[identity] = text
                self.added.setdefault(name, []).append(package.public())
                action = "added"
        self.sums[identity] = package.sha256
        return action

    def _places(self, component: str, architecture: str) -> list[str]:
        """The indices a package belongs in: one for `all` is in those of every architecture."""
        places = self.architectures if architecture == "all" else (architecture,)
        return [index_name(component, place) for place in places]

    def fill_new_indices(self) -> None:
        """A newly configured architecture begins with what is there for all of them."""
        for component in self.components:
            names = [index_name(component, a) for a in self.architectures]
            old = next((name for name in names if name in self.indices), None)
            for name in names:
                if name in self.indices:
                    continue
                new = self.add.setdefault(name, {})
                for entry in self.indices.read(old).entries() if old else ():
                    if entry.identity.architecture == "all":
                        new.setdefault(entry.identity, entry.text)

    def generation(self, now: datetime, by: str | None) -> Generation | None:
        """Writes the indices that changed; None where the suite would be as it is.

        Raises TransientError when the last Date is ahead of the store's clock.
        """
        files = dict(self.old_files)
        edited = [name for name, new in self.add.items() if new or name not in self.indices]
        for sums in notes.side_by_side(self._write, edited):
            files |= sums
        old = self.state.release if self.state else None
        release = Release(
            origin=self.suite.origin,
            label=self.suite.label,
            suite=self.suite.suite,
            codename=self.suite.codename,
            date=old.date if old else now,
            architectures=self.architectures,
            components=self.components,
            description=self.suite.description,
            files=files,
        )
        if release == old:
            return None
        release = replace(release, date=next_date(now, old.date if old else None))
        fields: dict[str, Any] = {
            "number": published.number(self.state.generation if self.state else None) + 1,
            "suite": self.suite.suite,
            "parent": Parent.of(self.state) if self.state else None,
            "date": iso(release.date),
            "cause": "batch" if by else "set-up",
            "by": by,
            "release": release.render().decode("utf-8", "surrogateescape"),
            "batches": tuple(self.batches),
            "refused": tuple(self.refused_plans),
            "added": self.added,
            "removed": {},
        }
        unnamed = Generation(id="", **fields)
        digest = hashlib.sha256(notes.dump(unnamed.as_json())).hexdigest()[:16]
        return Generation(id=f"{unnamed.number:08}-{digest}", **fields)

    def _write(self, name: str) -> dict[str, Sum]:
        return self.indices.write(name, self.indices.read(name).edit(self.add[name]))


def next_date(now: datetime, previous: datetime | None) -> datetime:
    """The Date of a Release after `previous`: later than that, and never in the future (law 1).

    apt ignores an older one without a word and refuses one ten seconds ahead of its own clock.
    Raises TransientError when there is no such moment yet.
    """
    date = (now - _DATE_BEHIND).replace(microsecond=0)
    if previous is not None:
        date = max(date, previous + timedelta(seconds=1))
    if date > now:
        raise TransientError(
            f"the published Date, {previous}, is ahead of the store's clock, {now}; "
            "this passes when the clock reaches it"
        )
    return date


def _union(old: Iterable[str], new: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*old, *new)))


def _identity(package: Admitted) -> Identity:
    return Identity(package.package, package.version, package.architecture)


def _same_names(suite: Suite, old: Release) -> None:
    """Law 7: every host would stop at a changed name until a person there agrees."""
    for name in ("origin", "label", "suite", "codename"):
        was, wanted = getattr(old, name), getattr(suite, name)
        if was != wanted:
            raise ConfigError(
                f"suite {suite.suite}: {name} is published as {was!r} and configured as "
                f"{wanted!r}, at which every host's apt update would stop; configure it as it was"
            )


def _reused(package: Admitted, known: str) -> Refusal:
    identity = _identity(package)
    return Refusal(
        package.file,
        Code.VERSION_REUSED,
        f"{identity} is published with SHA-256 {known}, this "
        f"file has {package.sha256}; give it a new version, or upload the published bytes",
    )
