"""Going back: the content of an earlier generation, to be published anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from debpress.errors import Code, IndexGoneError
from debpress.index import release, xz
from debpress.index.difference import difference
from debpress.index.entries import Entry, Identity
from debpress.index.form import Checksum, Form
from debpress.index.versions import Taken
from debpress.layout import index_name
from debpress.records.generation import PackageOutcome, PackageRef
from debpress.suite.draft import content_of, described
from debpress.suite.operations import refused
from debpress.suite.published import within_grace
from debpress.suite.workspace import Workspace

_Texts = Mapping[Identity, bytes]
# A component's package: the same identity may stand in two components.
_Placed = dict[tuple[str, Identity], bytes]


def roll_back(workspace: Workspace, to: int) -> list[PackageOutcome]:
    """Makes of the draft what generation `to` was.

    Raises RejectedError when that is too old, or when a version would come back with other bytes.
    """
    return _Rollback(workspace, to).apply()


class _Rollback:
    def __init__(self, workspace: Workspace, to: int) -> None:
        self._workspace = workspace
        self._draft = workspace.draft
        self._to = to
        self._now = workspace.state.release.files
        self._then = self._listed()

    def apply(self) -> list[PackageOutcome]:
        out: _Placed = {}
        come_in: _Placed = {}
        for component in self._draft.components:
            for architecture in self._draft.architectures:
                index = self._draft.index(component, architecture)
                gone, come = self._changes(component, architecture)
                for identity, text in _both(_less(index.added, come), _less(gone, index.removed)):
                    index.remove(Entry(identity, text))
                    out[component, identity] = text
                for identity, text in _both(_less(come, index.added), _less(index.removed, gone)):
                    index.put(identity, text)
                    come_in[component, identity] = text
        self._refuse_other_bytes(out, come_in)
        removed = [described(text) for place, text in out.items() if place not in come_in]
        added = [described(text) for place, text in come_in.items() if place not in out]
        self._refuse_deleted(added)
        return [
            *(PackageOutcome.of(each, "removed") for each in removed),
            *(PackageOutcome.of(each, "added") for each in added),
        ]

    def _listed(self) -> Mapping[str, Checksum]:
        """What the Release of the generation listed."""
        suite, state = self._draft.suite, self._workspace.state
        hours = self._workspace.repository.grace_hours
        chain = self._workspace.loader.chain(suite, state.generation, None)
        record = within_grace(chain, state, timedelta(hours=hours), self._to)
        if record is not None:
            return release.parse(record.text).files
        raise refused(
            Code.GENERATION_UNKNOWN,
            f"{suite} has no generation {self._to} that can be gone back to: it must have been "
            f"published within the last {hours} hours; see `debpress history --suite {suite}`",
        )

    def _changes(self, component: str, architecture: str) -> tuple[_Texts, _Texts]:
        """What goes out of an index as it is published, and what comes in, to be as it was."""
        name = f"{index_name(component, architecture)}.xz"
        now, old = self._now.get(name), self._then.get(name)
        if now is None or now == old:
            return {}, {}  # An index that is new gets the packages for all of them, as ever.
        if old is not None:
            return difference(self._form(name, now), self._form(name, old))
        # The architecture came later: what was for all of them then is for this one, too.
        base = dict(self._draft.index(component, architecture).base.entries())
        common = self._common(component)
        return _less(base, common), _less(common, base)

    def _common(self, component: str) -> _Texts:
        prefix = f"{component}/binary-"
        name = next((n for n in self._then if n.startswith(prefix) and n.endswith(".xz")), None)
        if name is None:
            return {}
        _, found = difference(xz.Writer().end(), self._form(name, self._then[name]))
        return {i: text for i, text in found.items() if i.architecture == "all"}

    def _form(self, name: str, listed: Checksum) -> Form:
        try:
            return self._workspace.loader.form(self._draft.suite, name, listed)
        except IndexGoneError as error:
            raise refused(
                Code.GENERATION_UNKNOWN,
                f"generation {self._to} is too old: {error.key} is deleted; go back to a newer one",
            ) from error

    def _refuse_deleted(self, come: Iterable[PackageRef]) -> None:
        gone = self._workspace.loader.missing(each.filename for each in come)
        if gone:
            raise refused(
                Code.GENERATION_UNKNOWN,
                f"generation {self._to} is too old: {', '.join(gone[:5])} and in all {len(gone)} "
                "of its packages are deleted; go back to a newer one, or upload them again",
            )

    def _refuse_other_bytes(self, out: _Placed, come_in: _Placed) -> None:
        """Law 4 holds on the way back, too: hosts know a version by the bytes it had last."""
        now = Taken(content_of(text) for text in out.values())
        wanted = [content_of(text) for text in come_in.values()]
        new = [each for each in wanted if not now.holds(each)]
        versions = [(each.identity.package, each.identity.version) for each in new]
        before = self._draft.memory.contents(versions)
        for each in new:
            if other := now.instead(each) or before.instead(each):
                has = f"had, until {other.until}," if other.until else "has"
                raise refused(
                    Code.VERSION_REUSED,
                    f"{other.identity} {has} SHA-256 {other.sha256}, and {each.identity} had "
                    f"{each.sha256} in generation {self._to}; go back to a newer one",
                )


def _less(some: _Texts, others: _Texts) -> dict[Identity, bytes]:
    """Those of `some` that are not the same in `others`."""
    return {identity: text for identity, text in some.items() if others.get(identity) != text}


def _both(some: _Texts, more: _Texts) -> list[tuple[Identity, bytes]]:
    return [*some.items(), *more.items()]
