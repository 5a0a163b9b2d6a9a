"""Which versions go: the newest N of each package stay, and what those need (docs/contract.md)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from debpress.config import Suite
from debpress.errors import Code
from debpress.index import relations
from debpress.index.entries import Entry, Identity
from debpress.index.versions import BY_VERSION
from debpress.records.generation import PackageOutcome
from debpress.suite.draft import SuiteDraft, described
from debpress.suite.operations import refused
from debpress.suite.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Removals:
    """What a prune takes out, by component, and out of how many packages it is."""

    by_component: dict[str, list[Entry]]
    total: int

    @property
    def count(self) -> int:
        return sum(map(len, self.by_component.values()))


def prune(workspace: Workspace) -> list[PackageOutcome]:
    """Takes out what the configuration does not keep. Raises RejectedError as `removals` does."""
    draft, repository = workspace.draft, workspace.repository
    settings = repository.suite(draft.suite)
    assert settings is not None
    others = [
        other
        for each in repository.suites
        if each.suite != draft.suite and (other := workspace.other(each.suite)) is not None
    ]
    gone = removals(draft, settings, others).by_component
    for component, entries in gone.items():
        draft.take_out(component, entries)
    return [
        PackageOutcome.of(described(entry.text), "removed")
        for entries in gone.values()
        for entry in entries
    ]


def removals(draft: SuiteDraft, settings: Suite, others: Iterable[SuiteDraft]) -> Removals:
    """What goes from a suite; `others` are the suites whose packages may depend on its own.

    Raises RejectedError when it would take out more than the configured share.
    """
    content = {c: content_of(draft, c) for c in draft.components}
    surplus = {c: _surplus(entries, settings) for c, entries in content.items()}
    kept = [
        entry.text
        for component, entries in content.items()
        for entry in entries
        if entry.identity not in surplus[component]
    ]
    kept += [e.text for other in others for c in other.components for e in content_of(other, c)]
    needed = _needed(kept, [e for c, s in surplus.items() for e in s.values()])
    gone = {
        component: [e for i, e in entries.items() if (i.package, i.version) not in needed]
        for component, entries in surplus.items()
    }
    found = Removals({c: e for c, e in gone.items() if e}, sum(map(len, content.values())))
    if found.count > settings.prune_share * found.total:
        raise refused(
            Code.PRUNE_TOO_MUCH,
            f"would remove {found.count} of the {found.total} packages of {settings.suite}, more "
            f"than the share of {settings.prune_share:g} that is configured; look at "
            "`debpress prune --dry-run`, and raise keep or prune_share if it is right",
        )
    return found


def content_of(draft: SuiteDraft, component: str) -> list[Entry]:
    """Every package of a component once, whichever indices name it."""
    found: dict[Identity, Entry] = {}
    for architecture in draft.architectures:
        for entry in draft.index(component, architecture).entries():
            found.setdefault(entry.identity, entry)
    return list(found.values())


def _surplus(entries: Iterable[Entry], settings: Suite) -> dict[Identity, Entry]:
    """What is beyond the newest N of its package and architecture, protected versions apart."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        groups.setdefault((entry.identity.package, entry.identity.architecture), []).append(entry)
    protected = [relations.parse(text) for text in settings.protected]
    surplus = {}
    for (package, _), group in groups.items():
        keep = settings.keep_packages.get(package, settings.keep)
        if len(group) <= keep:
            continue
        group.sort(key=lambda entry: BY_VERSION(entry.identity.version), reverse=True)
        for entry in group[keep:]:
            if not any(relation.matches(entry.identity) for relation in protected):
                surplus[entry.identity] = entry
    return surplus


def _needed(kept: list[bytes], surplus: list[Entry]) -> set[tuple[str, str]]:
    """The surplus versions that something kept depends on exactly, and what those need in turn."""
    by_name: dict[tuple[str, str], list[Entry]] = {}
    for entry in surplus:
        by_name.setdefault((entry.identity.package, entry.identity.version), []).append(entry)
    needed: set[tuple[str, str]] = set()
    look_at = kept
    while look_at:
        found = {pair for text in look_at for pair in relations.exact_dependencies(text)}
        new = (found & by_name.keys()) - needed
        needed |= new
        look_at = [entry.text for pair in new for entry in by_name[pair]]
    return needed
