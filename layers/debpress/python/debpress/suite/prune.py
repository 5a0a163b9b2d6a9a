"""Which versions go: the newest N of each package stay, of those older than some days fewer, and
what these need (docs/contract.md)."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from debpress.clock import from_iso
from debpress.config import Keep, Suite
from debpress.errors import Code
from debpress.index import relations
from debpress.index.entries import Entry, Identity
from debpress.index.order import NEWEST_FIRST
from debpress.records.generation import Generation, PackageOutcome
from debpress.suite.draft import SuiteDraft, described
from debpress.suite.operations import refused
from debpress.suite.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Surplus:
    """A version that is not kept. `beyond` is 1 for the newest of its package and architecture
    that is not, 2 for the one before it, and so on."""

    component: str
    entry: Entry
    beyond: int

    @property
    def pair(self) -> tuple[str, str]:
        """As `exact_dependencies` has it."""
        return self.entry.identity.package.lower(), self.entry.identity.version


@dataclass(frozen=True, slots=True)
class Removals:
    """What a prune takes out, by component; and how many more it would, but for the share."""

    by_component: dict[str, list[Entry]]
    left_over: int = 0


@dataclass(frozen=True, slots=True)
class Ages:
    """When each of a suite's versions came into it last, as far as anybody has asked: those that
    `since` does not tell came at `before` or earlier. `now` is the store's clock."""

    now: datetime
    before: datetime
    since: Mapping[tuple[str, str, str], datetime]

    def too_old(self, entries: Iterable[Entry], keep: Keep) -> list[Entry]:
        if keep.days is None:
            return []
        oldest = self.now - timedelta(days=keep.days)
        return [e for e in entries if self.since.get(e.identity, self.before) < oldest]


def ages_of(chain: Iterable[Generation], settings: Suite, now: datetime) -> Ages:
    """Reads the records back to the first that is older than anything is kept for; none where
    nothing is kept by its age.

    No record tells when an index's architecture came, at which packages for `all` come into it: so
    it is what batches brought that counts. Where a record is lost, the versions that came before it
    are not known to be older than the last one that was read, and stay until that is old.
    """
    days = [each.days for each in (settings.keep, *settings.keep_packages.values()) if each.days]
    before, since = now, dict[tuple[str, str, str], datetime]()
    for record in chain if days else ():
        before = from_iso(record.date)
        for outcome in record.batches:
            for package in outcome.packages:
                if package.action == "added":
                    since.setdefault(package.identity, before)
        if before < now - timedelta(days=max(days)):
            break
    return Ages(now, before, since)


def prune(workspace: Workspace, *, partial: bool) -> tuple[list[PackageOutcome], int]:
    """Takes out what the configuration does not keep; gives that, and how many versions are left
    for the next one. Raises RejectedError as `removals` does."""
    draft, repository = workspace.draft, workspace.repository
    settings = repository.suite(draft.suite)
    assert settings is not None
    others = (
        other
        for each in repository.suites
        if each.suite != draft.suite and (other := workspace.other(each.suite)) is not None
    )
    elsewhere = (e.text for other in others for c in other.components for e in content_of(other, c))
    content = {component: content_of(draft, component) for component in draft.components}
    chain = workspace.loader.chain(draft.suite, workspace.state.generation, None)
    ages = ages_of(chain, settings, workspace.state.now)
    found = removals(content, elsewhere, settings, ages, partial=partial)
    for component, entries in found.by_component.items():
        draft.take_out(component, entries)
    outcomes = [
        PackageOutcome.of(described(entry.text), "removed")
        for entries in found.by_component.values()
        for entry in entries
    ]
    return outcomes, found.left_over


def removals(
    content: Mapping[str, Sequence[Entry]],
    elsewhere: Iterable[bytes],
    settings: Suite,
    ages: Ages,
    *,
    partial: bool = False,
) -> Removals:
    """What goes from a suite, whose `content` is by component; `elsewhere` are the stanzas of other
    suites, whose packages may depend on its own.

    Where that is more than the configured share of all its packages, a partial prune takes the
    oldest that the share allows. So it comes to an end whatever was missed before: a suite that
    grows by n versions from one to the next has n divided by the share at most, or what is kept.
    Raises RejectedError where one that is not partial would take more than the share, and where the
    share allows not even one.
    """
    surplus = [
        each for c, entries in content.items() for each in _surplus(c, entries, settings, ages)
    ]
    unkept = {(each.component, each.entry.identity) for each in surplus}
    kept = [
        entry.text
        for component, entries in content.items()
        for entry in entries
        if (component, entry.identity) not in unkept
    ]
    needed = _needed([*kept, *elsewhere], surplus)
    gone = [each for each in surplus if each.pair not in needed]
    total = sum(map(len, content.values()))
    taken = gone
    if len(gone) > settings.prune_share * total:
        taken = _oldest(gone, int(settings.prune_share * total)) if partial else []
        if not taken:
            raise refused(Code.PRUNE_TOO_MUCH, _too_much(len(gone), total, settings))
    by_component: dict[str, list[Entry]] = {}
    for each in taken:
        by_component.setdefault(each.component, []).append(each.entry)
    return Removals(by_component, len(gone) - len(taken))


def _too_much(count: int, total: int, settings: Suite) -> str:
    return (
        f"would remove {count} of the {total} packages of {settings.suite}, more than the share "
        f"of {settings.prune_share:g} that is configured; look at `debpress prune --dry-run`, and "
        "if it is right, ask for it in parts (`debpress prune --partial`), or raise prune_share"
    )


def content_of(draft: SuiteDraft, component: str) -> list[Entry]:
    """Every package of a component once, whichever indices name it."""
    found: dict[Identity, Entry] = {}
    for architecture in draft.architectures:
        for entry in draft.index(component, architecture).entries():
            found.setdefault(entry.identity, entry)
    return list(found.values())


def _surplus(
    component: str, entries: Iterable[Entry], settings: Suite, ages: Ages
) -> Iterator[Surplus]:
    """What is not kept of its package and architecture, protected versions apart."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        groups.setdefault((entry.identity.package, entry.identity.architecture), []).append(entry)
    protected = [relations.parse(text) for text in settings.protected]
    for (package, _), group in groups.items():
        keep = settings.kept(package)
        if len(group) <= keep.at_least:
            continue
        group.sort(key=lambda entry: NEWEST_FIRST(entry.identity.version))
        unkept = [*ages.too_old(group[keep.at_least : keep.newest], keep), *group[keep.newest :]]
        for beyond, entry in enumerate(unkept, start=1):
            if not any(relation.matches(entry.identity) for relation in protected):
                yield Surplus(component, entry, beyond)


def _needed(kept: Iterable[bytes], surplus: Iterable[Surplus]) -> set[tuple[str, str]]:
    """The surplus versions that something kept depends on exactly, and what those need in turn."""
    by_name: dict[tuple[str, str], list[Entry]] = {}
    for each in surplus:
        by_name.setdefault(each.pair, []).append(each.entry)
    needed: set[tuple[str, str]] = set()
    look_at = kept
    while look_at:
        found = {pair for text in look_at for pair in relations.exact_dependencies(text)}
        new = (found & by_name.keys()) - needed
        needed |= new
        look_at = [entry.text for pair in new for entry in by_name[pair]]
    return needed


def _oldest(gone: Sequence[Surplus], most: int) -> list[Surplus]:
    """So many at most, those first that have the most newer versions of their own package: what is
    left over is about as many of each. None goes that something left over depends on exactly; both
    go, or both stay."""
    dependents: dict[tuple[str, str], list[Surplus]] = {}
    for each in gone:
        for pair in relations.exact_dependencies(each.entry.text):
            dependents.setdefault(pair, []).append(each)
    taken: dict[Surplus, None] = {}
    for each in sorted(gone, key=lambda each: (-each.beyond, each.entry.identity.package)):
        if each not in taken:
            together = _with_dependents(each, dependents, taken, most - len(taken))
            taken |= dict.fromkeys(together)
        if len(taken) == most:
            break
    return list(taken)


def _with_dependents(
    first: Surplus,
    dependents: Mapping[tuple[str, str], Sequence[Surplus]],
    taken: Container[Surplus],
    most: int,
) -> Sequence[Surplus]:
    """What has to go together with `first`; nothing where that is more than may go."""
    together = {first: None}
    look_at = [first]
    while look_at and len(together) <= most:
        for each in dependents.get(look_at.pop().pair, ()):
            if each not in taken and each not in together:
                together[each] = None
                look_at.append(each)
    return list(together) if len(together) <= most else []
