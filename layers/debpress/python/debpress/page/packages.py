"""What a package's page says, brought up to date by what a suite's releases changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from debpress.index import entries
from debpress.index.entries import Entry
from debpress.index.order import NEWEST_FIRST
from debpress.records.batch import Provenance
from debpress.records.page import (
    ListedName,
    ListedSuite,
    PackageEvent,
    PackagePage,
    PublishedPackage,
)

# Of what came and went, for a package that is released a dozen times a day.
MOST_EVENTS = 200

_RELATIONS = (
    *("Pre-Depends", "Depends", "Recommends", "Suggests", "Enhances"),
    *("Breaks", "Conflicts", "Replaces", "Provides", "Built-Using", "Static-Built-Using"),
)


@dataclass(frozen=True, slots=True)
class News:
    """What is new of one package in one suite: what came and went, and all that the indices
    (`main/binary-amd64/Packages`) have of it which may have changed."""

    events: tuple[PackageEvent, ...]
    indices: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)

    @property
    def newest(self) -> int:
        return max((each.generation for each in self.events), default=0)


def brought_up(page: PackagePage, news: Mapping[str, News], suites: Iterable[str]) -> PackagePage:
    """The page with the news of some suites. What it tells already stays as it is: it may have been
    told by a call that knows of later releases. `suites` are all there are, in their order."""
    found = dict(page.suites)
    told, events = dict(page.told), list(page.history)
    for suite, each in news.items():
        if suite in told and told[suite] >= each.newest:
            continue
        events += each.events
        found[suite] = _published(found.get(suite, ()), each)
        told[suite] = each.newest
    history = _history(events)
    origins = _origins(page, history)
    return replace(
        page,
        suites={suite: _with(origins, found[suite]) for suite in suites if found.get(suite)},
        history=history,
        told=dict(sorted(told.items())),
    )


_Origin = tuple[Provenance | None, str | None]


def _origins(page: PackagePage, history: Iterable[PackageEvent]) -> dict[str, _Origin]:
    """Where bytes were built, or who answers for them, by their SHA-256: what is told already, and
    what is new."""
    known = (each for packages in page.suites.values() for each in packages)
    told: list[PublishedPackage | PackageEvent] = [*known, *reversed([*history])]
    return {
        each.sha256: (each.provenance, each.vouched_by)
        # What is proven is not vouched for, whichever came later.
        for each in sorted(told, key=lambda each: each.provenance is not None)
        if each.sha256 and (each.provenance or each.vouched_by)
    }


def _with(
    origins: Mapping[str, _Origin], packages: Iterable[PublishedPackage]
) -> tuple[PublishedPackage, ...]:
    """What was proven when a package was uploaded holds wherever its bytes were copied since, and
    when they come back by a rollback."""
    found = ((each, origins.get(each.sha256, (None, None))) for each in packages)
    return tuple(replace(p, provenance=proof, vouched_by=voucher) for p, (proof, voucher) in found)


def _history(events: Iterable[PackageEvent]) -> tuple[PackageEvent, ...]:
    unique = {
        (e.date, e.suite, e.generation, e.action, e.version, e.architecture, e.component): e
        for e in events
    }
    newest = sorted(unique.items(), key=lambda item: item[0], reverse=True)
    return tuple(each for _, each in newest[:MOST_EVENTS])


_Key = tuple[str, str, str]  # A component, a version, an architecture.


def _published(known: Iterable[PublishedPackage], news: News) -> tuple[PublishedPackage, ...]:
    found: dict[_Key, PublishedPackage] = {
        (each.component, each.version, each.architecture): each for each in known
    }
    since = {
        (each.component, each.version, each.architecture): each.date
        for each in sorted(news.events, key=lambda each: each.generation)
        if each.action == "added"
    }
    for index, listed in news.indices.items():
        component, architecture = _place(index)
        for key in [key for key in found if key[0] == component]:
            places = tuple(name for name in found[key].indices if name != architecture)
            found[key] = replace(found[key], indices=places)
        for entry in listed:
            key = component, entry.identity.version, entry.identity.architecture
            old = found.get(key)
            places = tuple(sorted({*(old.indices if old else ()), architecture}))
            date = since.get(key) or (old.since if old else "")
            found[key] = _read(entry, component, date, places)
    left = [each for each in found.values() if each.indices]
    return tuple(sorted(left, key=lambda p: (NEWEST_FIRST(p.version), p.architecture, p.component)))


def _place(index: str) -> tuple[str, str]:
    component, folder, _ = index.split("/")
    return component, folder.removeprefix("binary-")


def _read(entry: Entry, component: str, since: str, places: tuple[str, ...]) -> PublishedPackage:
    said = {name: _printable(value) for name, value in entries.fields(entry.text).items()}
    description, *text = said.get("Description", "").split("\n")
    size = said.get("Installed-Size", "")
    return PublishedPackage(
        version=entry.identity.version,
        architecture=entry.identity.architecture,
        component=component,
        filename=said.get("Filename", ""),
        sha256=said.get("SHA256", ""),
        size=int(said.get("Size", "0")),
        since=since,
        indices=places,
        source=said.get("Source", entry.identity.package).partition(" ")[0],
        description=description,
        text=tuple(_paragraphs(text)),
        section=said.get("Section", ""),
        maintainer=said.get("Maintainer", ""),
        homepage=said.get("Homepage", ""),
        installed_size=int(size) if size.isdecimal() else None,
        relations={
            name: " ".join(said[name].split()) for name in _RELATIONS if said.get(name, "").strip()
        },
    )


def _printable(value: str) -> str:
    """Bytes that are not UTF-8 are shown as such."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _paragraphs(lines: Iterable[str]) -> Iterator[str]:
    """The long description's paragraphs (Policy 5.6.13). A line that begins with two blanks is
    shown as it is, so it is a paragraph of its own that begins with a blank."""
    open_: list[str] = []
    for line in lines:
        verbatim = line.startswith("  ")
        if line.strip() == "." or verbatim:
            if open_:
                yield " ".join(open_)
            open_ = []
        if verbatim:
            yield line[1:]
        elif line.strip() != ".":
            open_.append(line.strip())
    if open_:
        yield " ".join(open_)


def newest(page: PackagePage) -> PublishedPackage | None:
    """The newest version of whichever suite, which says what the package is."""
    every = [each for suite in page.suites.values() for each in suite]
    return min(every, key=lambda each: NEWEST_FIRST(each.version), default=None)


def listed(page: PackagePage) -> ListedName | None:
    """The package in its list; None where no suite has it any more."""
    known = newest(page)
    if known is None:
        return None
    return ListedName(
        page.package,
        known.description,
        {
            suite: ListedSuite(
                newest=every[0].version,
                versions=len({each.version for each in every}),
                size=sum(each.size for each in every),
            )
            for suite, every in page.suites.items()
        },
    )
