"""What operators' operations do to a suite in the making."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from debpress.clock import Clock
from debpress.config import Repository
from debpress.errors import Code, DebpressError, Refusal, RejectedError
from debpress.index import relations, release, xz
from debpress.index.difference import difference
from debpress.index.entries import Entry, Identity, field
from debpress.index.packages import Checksum, checksum_of
from debpress.layout import OPERATIONS, index_name
from debpress.publish import notes, pruning, published
from debpress.publish.dependencies import Dependencies
from debpress.publish.drafting import SuiteDraft, described
from debpress.publish.operations import Copy, Operation, Prune, Remove, Rollback, Snapshot
from debpress.publish.published import Current
from debpress.store import Store

_Effect = list[dict[str, Any]]
_Texts = Mapping[Identity, bytes]


class Operator:
    """Applies operations to the draft of one suite. `state` is what is published of it."""

    def __init__(
        self, store: Store, repository: Repository, clock: Clock, draft: SuiteDraft, state: Current
    ) -> None:
        self._store = store
        self._repository = repository
        self._clock = clock
        self._draft = draft
        self._state = state
        self._dependencies = Dependencies(draft)

    def apply(self, component: str, operations: Iterable[Operation]) -> _Effect:
        """All of them, or none: raises RejectedError having changed nothing.

        Returns what a result says of each package that came or went.
        """
        before = self._draft.checkpoint()
        effect: _Effect = []
        try:
            for operation in operations:
                match operation:
                    case Remove():
                        effect += self._remove(component, operation)
                    case Copy():
                        effect += self._copy(component, operation)
                    case Rollback():
                        effect += self._rollback(operation)
                    case Prune():
                        effect += self._prune()
                    case Snapshot():
                        raise DebpressError("a snapshot changes no suite; see snapshots.py")
            # Only now: one operation may bring, or take out, what another one needs.
            if broken := self._dependencies.broken():
                raise _refused(
                    Code.DEPENDENCY_BROKEN,
                    f"{'; '.join(broken[:5])} ({len(broken)} in all); remove or copy those too, or "
                    "force it",
                )
        except RejectedError:
            self._draft.restore(before)
            raise
        return effect

    def _remove(self, component: str, operation: Remove) -> _Effect:
        wanted = [relations.parse(text) for text in operation.packages]
        gone: dict[Identity, Entry] = {}
        for architecture in self._draft.architectures:
            index = self._draft.index(component, architecture)
            for relation in wanted:
                for entry in index.named(relation.package):
                    if relation.matches(entry.identity) and operation.architecture in (
                        None,
                        entry.identity.architecture,
                    ):
                        gone[entry.identity] = entry
        self._take_out(component, gone.values())
        if not operation.force:
            self._dependencies.went(gone.values())
        return [{**described(e.text), "action": "removed"} for e in gone.values()]

    def _copy(self, component: str, operation: Copy) -> _Effect:
        source = self.other(operation.suite)
        if source is None or operation.component not in source.components:
            raise _refused(
                Code.SUITE_UNKNOWN,
                f"there is no component {operation.component!r} of a suite {operation.suite!r} to "
                "copy from",
            )
        effect = []
        for text in operation.packages:
            found = list(self._chosen(source, operation.component, text))
            if not found:
                raise _refused(
                    Code.PACKAGE_UNKNOWN,
                    f"{operation.suite}/{operation.component} has nothing that is {text}; see "
                    f"`debpress list --suite {operation.suite}`",
                )
            effect += self._put(component, found)
            if not operation.force:
                self._dependencies.came(found, source)
        return effect

    def _chosen(self, source: SuiteDraft, component: str, text: str) -> Iterator[Entry]:
        relation = relations.parse(text)
        ours = {"all", *self._draft.architectures}
        found = {
            entry.identity: entry
            for architecture in source.architectures
            for entry in source.index(component, architecture).named(relation.package)
            if relation.matches(entry.identity) and entry.identity.architecture in ours
        }
        versions = {identity.version for identity in found}
        if relation.operator is None and versions:
            versions = {max(versions, key=pruning.BY_VERSION)}
        return (entry for identity, entry in found.items() if identity.version in versions)

    def _put(self, component: str, entries: list[Entry]) -> _Effect:
        here = self._draft.find(e.identity for e in entries)
        taken = self._draft.taken(here)
        effect = []
        for entry in entries:
            sha256 = field(entry.text, "SHA256")
            if other := taken.instead(entry.identity, sha256):
                raise _refused(
                    Code.VERSION_REUSED,
                    f"{other[0]} is here with SHA-256 {other[1]}, {entry.identity} there with "
                    f"{sha256}; remove one, or copy another version",
                )
            known = (component, entry.identity) in here
            if not known:
                self._draft.put(component, entry.text)
            action = "unchanged" if known else "added"
            effect.append({**described(entry.text), "action": action})
        return effect

    def _rollback(self, operation: Rollback) -> _Effect:
        then = self._then(operation.to)
        out: dict[tuple[str, Identity], bytes] = {}
        come_in: dict[tuple[str, Identity], bytes] = {}
        for component in self._draft.components:
            for architecture in self._draft.architectures:
                index = self._draft.index(component, architecture)
                gone, come = self._changes(then, component, architecture, operation.to)
                for identity, text in _both(_less(index.added, come), _less(gone, index.removed)):
                    index.remove(Entry(identity, text))
                    out[component, identity] = text
                for identity, text in _both(_less(come, index.added), _less(index.removed, gone)):
                    index.put(identity, text)
                    come_in[component, identity] = text
        _refuse_other_bytes(out, come_in, operation.to)
        removed = [described(text) for place, text in out.items() if place not in come_in]
        added = [described(text) for place, text in come_in.items() if place not in out]
        self._refuse_reaped(added, operation.to)
        return [
            *({**each, "action": "removed"} for each in removed),
            *({**each, "action": "added"} for each in added),
        ]

    def _then(self, to: int) -> Mapping[str, Checksum]:
        """What the Release of a generation listed."""
        grace = timedelta(hours=self._repository.grace_hours)
        record = published.within(self._store, self._draft.suite, self._state, grace, to)
        if record is not None:
            return release.parse(record.release.encode("utf-8", "surrogateescape")).files
        raise _refused(
            Code.GENERATION_UNKNOWN,
            f"{self._draft.suite} has no generation {to} that can be gone back to: it must have "
            f"been published within the last {self._repository.grace_hours} hours; see "
            f"`debpress history --suite {self._draft.suite}`",
        )

    def _changes(
        self, then: Mapping[str, Checksum], component: str, architecture: str, to: int
    ) -> tuple[_Texts, _Texts]:
        """What goes out of an index as it is published, and what comes in, to be as it was."""
        name = f"{index_name(component, architecture)}.xz"
        now, old = self._state.release.files.get(name), then.get(name)
        if now is None or now == old:
            return {}, {}  # An index that is new gets the packages for all of them, as ever.
        if old is not None:
            return difference(self._kept(name, now, to), self._kept(name, old, to))
        # The architecture came later: what was for all of them then is for this one, too.
        base = dict(self._draft.index(component, architecture).base.entries())
        common = self._common(then, component, to)
        return _less(base, common), _less(common, base)

    def _common(self, then: Mapping[str, Checksum], component: str, to: int) -> _Texts:
        prefix = f"{component}/binary-"
        name = next((n for n in then if n.startswith(prefix) and n.endswith(".xz")), None)
        if name is None:
            return {}
        _, found = difference(xz.assemble([]), self._kept(name, then[name], to))
        return {i: text for i, text in found.items() if i.architecture == "all"}

    def _kept(self, name: str, listed: Checksum, generation: int) -> bytes:
        key = self._repository.layout.by_hash(self._draft.suite, name, listed.sha256)
        found = self._store.get(key)
        if found is None or checksum_of(found.body) != listed:
            raise _refused(
                Code.GENERATION_UNKNOWN,
                f"generation {generation} is too old: {key} is deleted; go back to a newer one",
            )
        return found.body

    def _refuse_reaped(self, come: _Effect, generation: int) -> None:
        layout = self._repository.layout
        heads = notes.side_by_side(lambda p: self._store.head(layout.pool(p["filename"])), come)
        gone = [p["filename"] for p, head in zip(come, heads, strict=True) if head is None]
        if gone:
            raise _refused(
                Code.GENERATION_UNKNOWN,
                f"generation {generation} is too old: {', '.join(gone[:5])} and in all {len(gone)} "
                "of its packages are deleted; go back to a newer one, or upload them again",
            )

    def _prune(self) -> _Effect:
        suite = self._draft.suite
        settings = self._repository.suite(suite)
        assert settings is not None
        others = [
            other
            for each in self._repository.suites
            if each.suite != suite and (other := self.other(each.suite)) is not None
        ]
        plan = pruning.plan(self._draft, settings, others)
        for component, entries in plan.removals.items():
            self._take_out(component, entries)
        return [
            {**described(entry.text), "action": "removed"}
            for entries in plan.removals.values()
            for entry in entries
        ]

    def other(self, suite: str) -> SuiteDraft | None:
        """Another suite as it is published now, to read from."""
        settings = self._repository.suite(suite)
        if settings is None:
            return None
        layout = self._repository.layout
        state = published.current(self._store, layout, suite, self._clock.now())
        return SuiteDraft(self._store, layout, settings, state.release) if state else None

    def _take_out(self, component: str, entries: Iterable[Entry]) -> None:
        for entry in entries:
            for architecture in self._draft.places(entry.identity.architecture):
                self._draft.index(component, architecture).remove(entry)


def _less(some: _Texts, others: _Texts) -> dict[Identity, bytes]:
    """Those of `some` that are not the same in `others`."""
    return {identity: text for identity, text in some.items() if others.get(identity) != text}


def _both(some: _Texts, more: _Texts) -> list[tuple[Identity, bytes]]:
    return [*some.items(), *more.items()]


def _refuse_other_bytes(
    out: Mapping[tuple[str, Identity], bytes],
    come_in: Mapping[tuple[str, Identity], bytes],
    generation: int,
) -> None:
    """Law 4 holds on the way back, too: hosts know the version by the bytes it has now."""
    now = {identity: field(text, "SHA256") for (_, identity), text in out.items()}
    for (_, identity), text in come_in.items():
        then = field(text, "SHA256")
        if now.get(identity, then) != then:
            raise _refused(
                Code.VERSION_REUSED,
                f"{identity} has SHA-256 {now[identity]} and had {then} in generation {generation};"
                " go back to a newer one, or remove that version first",
            )


def _refused(code: Code, message: str) -> RejectedError:
    return RejectedError([Refusal(OPERATIONS, code, message)])
