"""page: makes the pages that people look at, of what the last flips changed.

S3 itself calls this, by the event of an InRelease's being put, so no publish waits for it. A call
looks at what is published now, not at its event. So calls may come twice, late, in any order or at
once; one that dies leaves its work to the next, or to Lambda's own retry of it.

It reads from the top down and writes from the bottom up: the packages' pages, the lists, the
repository's page, and then up to which generations all of them tell. Each is written only where it
is what was read; who loses a race begins anew. So nobody overwrites what tells of later releases,
and what the state says is true of every page. docs/decisions/0022-pages.md weighs this.

What can't be told from the records (the first time, after a restoration, with other templates) is
made anew from the indices, shelf by shelf, under the number of a new build.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from debpress import codec
from debpress.archive import objects
from debpress.archive.headers import JSON
from debpress.archive.pages import Pair, keep_asset
from debpress.concurrency import side_by_side
from debpress.config import Page
from debpress.errors import TransientError
from debpress.layout import Layout, shelf
from debpress.openpgp import certificates
from debpress.page import changes, lists, packages, render
from debpress.page.packages import News
from debpress.records.generation import number
from debpress.records.page import (
    PackageList,
    PackagePage,
    PageState,
    RepositoryPage,
    Shelf,
    SuiteSummary,
)
from debpress.steps.page_news import RecordsLost, SuiteNews
from debpress.steps.services import Services
from debpress.store import Head, PreconditionFailed

_TRIES = 8
# All of an object's metadata may have 2 KB (S3 user guide, "Working with object metadata").
_MOST_NOTED = 1500


def run(services: Services, uri: str, until: datetime | None = None) -> dict[str, str]:
    """Brings every page up to date, and says up to which generations they tell. `uri` is where
    hosts find the root. Raises TransientError where that takes longer than `until`, or others write
    again and again; what is done then is kept."""
    for _ in range(_TRIES):
        try:
            return _Pass(services, uri, until).run()
        except PreconditionFailed:
            continue
    raise TransientError("the pages are being written by others again and again; they will do")


class _Pass:
    """One try."""

    def __init__(self, services: Services, uri: str, until: datetime | None) -> None:
        self._services = services
        self._store, self._repository = services.store, services.repository
        self._layout = services.repository.layout
        self._page = self._repository.page or Page(self._repository.suites[0].label)
        self._suites = [each.suite for each in self._repository.suites]
        self._uri, self._until = uri, until
        self._head: Head | None = None  # Of the state.

    def run(self) -> dict[str, str]:
        state = self._state()
        top = Pair(self._store, self._layout.page(), self._layout.page("json"))
        known = top.of_build(state.build, RepositoryPage)
        try:
            news = self._news(state)
        except RecordsLost:
            self._build_anew(state.build + 1)
            raise PreconditionFailed from None
        upto = {suite: each.newest for suite, each in news.items()}
        names: dict[str, set[str]] = {}
        for each in news.values():
            for name in each.names():
                names.setdefault(shelf(name), set()).add(name)
        found = {
            name: self._shelf(state.build, name, sorted(group), news)
            for name, group in sorted(names.items())
        }
        self._top(top, state.build, known, news, found)
        if upto != state.suites:
            self._keep_state(PageState(state.build, state.made_of, upto))
        return upto

    # Up to where the pages tell

    def _state(self) -> PageState:
        found = self._store.get(Layout.page_state())
        self._head = found.head if found else None
        state = objects.read(PageState, found) if found else None
        if state is None or state.made_of != self._made_of:
            return self._build_anew(state.build + 1 if state else 1)
        return state

    def _build_anew(self, build: int) -> PageState:
        for name, (body, kind) in render.assets().items():
            keep_asset(self._store, self._layout.page_asset(name), body, kind)
        return self._keep_state(PageState(build, self._made_of, {}))

    def _keep_state(self, state: PageState) -> PageState:
        head = self._head
        self._head = self._store.put(
            Layout.page_state(),
            codec.dump(state),
            JSON,
            if_match=head.etag if head else None,
            if_absent=head is None,
        )
        return state

    @property
    def _made_of(self) -> str:
        """Of all that every page has in it."""
        parts = [render.made_by(), self._page.title, *self._suites]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def _news(self, state: PageState) -> dict[str, SuiteNews]:
        archive = self._services.archive
        found = ((suite, archive.published(suite)) for suite in self._suites)
        return {
            suite: SuiteNews(archive, suite, published, state.suites.get(suite))
            for suite, published in found
            if published is not None
        }

    # From the bottom up

    def _shelf(self, build: int, name: str, names: list[str], news: dict[str, SuiteNews]) -> Shelf:
        if self._until and self._services.clock.now() > self._until:
            raise TransientError("the pages take longer; the next call goes on from here")
        layout = self._layout
        pair = Pair(self._store, layout.list_page(name), layout.list_page(name, "json"))
        known = pair.of_build(build, PackageList) or PackageList(name)
        upto = {suite: number(each.newest) for suite, each in news.items()}
        done: dict[str, int] = json.loads(pair.noted(build) or "{}")
        if all(done.get(suite, -1) >= n for suite, n in upto.items()):
            return lists.counted(known)  # By a call that died later on.
        found = {suite: each.of(names) for suite, each in news.items()}
        pages = side_by_side(
            lambda each: self._package(
                build, each, {suite: group[each] for suite, group in found.items() if each in group}
            ),
            names,
        )
        listed = lists.relisted(known, pages)
        made = render.package_list(listed, self._page.title)
        done |= {suite: max(n, done.get(suite, 0)) for suite, n in upto.items()}
        pair.keep(build, made.json, made.html, _note(done))
        return lists.counted(listed)

    def _package(self, build: int, name: str, news: dict[str, News]) -> PackagePage:
        layout = self._layout
        for _ in range(_TRIES):
            html, twin = layout.package_page(name), layout.package_page(name, "json")
            pair = Pair(self._store, html, twin)
            known = pair.of_build(build, PackagePage) or PackagePage(name)
            page = packages.brought_up(known, news, self._suites)
            made = render.package(page, self._page.title)
            try:
                pair.keep(build, made.json, made.html)
            except PreconditionFailed:
                continue
            return page
        raise PreconditionFailed(name)

    def _top(
        self,
        pair: Pair,
        build: int,
        known: RepositoryPage | None,
        news: dict[str, SuiteNews],
        found: dict[str, Shelf],
    ) -> None:
        releases = [note for each in news.values() for note in each.notes()]
        made = render.repository(
            RepositoryPage(
                title=self._page.title,
                about=self._page.about,
                uri=self._uri,
                keyring=self._repository.keyring,
                fingerprints=self._fingerprints(),
                suites=tuple(self._summary(suite, news.get(suite)) for suite in self._suites),
                releases=changes.notes(known.releases if known else (), releases),
                shelves=lists.shelved(known.shelves if known else {}, found),
                token=self._page.token or None,
            )
        )
        pair.keep(build, made.json, made.html)

    def _fingerprints(self) -> tuple[str, ...]:
        found = self._store.get(self._layout.key_gpg)
        trusted = certificates.parse(found.body) if found else []
        return tuple(each.fingerprint.upper() for each in trusted)

    def _summary(self, suite: str, news: SuiteNews | None) -> SuiteSummary:
        if news:
            return news.summary
        (told,) = (each for each in self._repository.suites if each.suite == suite)
        return SuiteSummary(
            suite=suite,
            codename=told.codename,
            description=told.description,
            components=told.components,
            architectures=told.architectures,
            generation=None,
            date="",
        )


def _note(done: dict[str, int]) -> str:
    """Where there are suites by the hundred, none: then a call that comes after one that died looks
    at the packages themselves."""
    note = json.dumps(done, sort_keys=True)
    return note if len(note) <= _MOST_NOTED else ""
