"""What operators' operations do to a suite in the making."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from debpress.clock import Clock
from debpress.config import Repository
from debpress.errors import Code, Refusal, RejectedError
from debpress.index import relations, release
from debpress.index.difference import difference
from debpress.index.entries import Entry, Identity, field
from debpress.layout import OPERATIONS, index_name
from debpress.publish import notes, pruning, published
from debpress.publish.drafting import SuiteDraft, described
from debpress.publish.operations import Copy, Operation, Prune, Remove, Rollback
from debpress.publish.published import Current
from debpress.store import Store

_Effect = list[dict[str, Any]]


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
            self._refuse_broken(gone.values())
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
        sums = {identity: field(text, "SHA256") for (_, identity), text in here.items()}
        effect = []
        for entry in entries:
            sha256 = field(entry.text, "SHA256")
            if sums.get(entry.identity, sha256) != sha256:
                raise _refused(
                    Code.VERSION_REUSED,
                    f"{entry.identity} is here with SHA-256 {sums[entry.identity]}, there with "
                    f"{sha256}; remove one, or copy another version",
                )
            known = (component, entry.identity) in here
            if not known:
                self._draft.put(component, entry.text)
            action = "unchanged" if known else "added"
            effect.append({**described(entry.text), "action": action})
        return effect

    def _rollback(self, operation: Rollback) -> _Effect:
        suite, layout = self._draft.suite, self._repository.layout
        record = next(
            (
                r
                for r in published.chain(self._store, suite, self._state.generation, None)
                if r.number == operation.to
            ),
            None,
        )
        if record is None:
            raise _refused(
                Code.GENERATION_UNKNOWN,
                f"{suite} has no generation {operation.to} that can be gone back to; see "
                f"`debpress history --suite {suite}`",
            )
        then = release.parse(record.release.encode("utf-8", "surrogateescape")).files
        effect: dict[tuple[str, Identity], dict[str, Any]] = {}
        for component in self._draft.components:
            for architecture in self._draft.architectures:
                name = f"{index_name(component, architecture)}.xz"
                now = self._state.release.files[name]
                old = then.get(name)
                wanted = (
                    self._kept(layout.by_hash(suite, name, old.sha256), operation.to)
                    if old
                    else None
                )
                index = self._draft.index(component, architecture)
                if wanted is None:
                    gone = {e.identity: e.text for e in index.entries()}
                    come: dict[Identity, bytes] = {}
                else:
                    current = self._kept(layout.by_hash(suite, name, now.sha256), operation.to)
                    gone, come = difference(current, wanted)
                for identity, text in gone.items():
                    index.remove(Entry(identity, text))
                    effect[component, identity] = {**described(text), "action": "removed"}
                for identity, text in come.items():
                    index.put(identity, text)
                    effect[component, identity] = {**described(text), "action": "added"}
        self._refuse_reaped([e for e in effect.values() if e["action"] == "added"], operation.to)
        return list(effect.values())

    def _kept(self, key: str, generation: int) -> bytes:
        found = self._store.get(key)
        if found is None:
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

    def _refuse_broken(self, gone: Iterable[Entry]) -> None:
        """Nothing that stays may depend on exactly what goes."""
        lost = {(e.identity.package, e.identity.version) for e in gone}
        broken = set()
        for component in self._draft.components:
            for entry in pruning.content_of(self._draft, component):
                for pair in relations.exact_dependencies(entry.text) & lost:
                    broken.add(f"{entry.identity} needs {pair[0]} (= {pair[1]})")
        if broken:
            raise _refused(
                Code.DEPENDENCY_BROKEN,
                f"{'; '.join(sorted(broken)[:5])} ({len(broken)} in all); remove those too, or "
                "force it",
            )


def _refused(code: Code, message: str) -> RejectedError:
    return RejectedError([Refusal(OPERATIONS, code, message)])
