"""A year of the workload this is made for: five packages, fifteen releases a day, the newest twenty
of each kept; with days on which nothing was pruned, and a day of forty releases.

A day has 75 new versions, of 175 then; after one missed day it would be 150 of 250, and that is
more than the share of a half that a prune may take at once.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from debpress import config
from debpress.config import Suite
from debpress.errors import Code, RejectedError
from debpress.index import entries
from debpress.index.entries import Entry, Identity
from debpress.layout import OPERATIONS, Batch
from debpress.steps import prune, reap
from debpress.suite.prune import Removals, ages_of, removals

from tests.support.clock import FakeClock
from tests.support.press import Press, debs, event
from tests.support.scenes import SMALL, signers

PACKAGES = ("app", "app-data", "cli", "lib", "lib-dev")
# In each release these come together, and need each other exactly.
NEEDS = {"app": "app-data", "app-data": "app", "lib-dev": "lib"}
DAILY, KEEP = 15, 20
KEPT = KEEP * len(PACKAGES)

DAY = 86400.0


def settings(**more: object) -> Suite:
    suite = {"suite": "stable", "architectures": ["amd64"], "keep": KEEP, **more}
    return config.parse({"suites": [suite]}).suites[0]


def entry(package: str, version: str) -> Entry:
    needs = f"Depends: {NEEDS[package]} (= {version})\n" if package in NEEDS else ""
    text = f"Package: {package}\nVersion: {version}\nArchitecture: all\n{needs}"
    return Entry(Identity(package, version, "all"), text.encode())


@dataclass
class Archive:
    """The versions of a suite, by the rules alone. `elsewhere` are stanzas of another suite."""

    settings: Suite
    elsewhere: list[bytes] = field(default_factory=list)
    entries: dict[Identity, Entry] = field(default_factory=dict)
    released: int = 0

    def release(self, times: int) -> None:
        for _ in range(times):
            self.released += 1
            for package in PACKAGES:
                found = entry(package, f"1.{self.released}")
                self.entries[found.identity] = found

    def prune(self, *, partial: bool = True) -> Removals:
        content = {"main": sorted(self.entries.values())}
        before = len(self.entries)
        ages = ages_of((), self.settings, FakeClock().now())
        found = removals(content, self.elsewhere, self.settings, ages, partial=partial)
        gone = [each.identity for each in found.by_component.get("main", ())]
        assert len(gone) <= self.settings.prune_share * before
        for identity in gone:
            del self.entries[identity]
        self.check()
        return found

    def versions(self, package: str) -> list[int]:
        """The releases of which the package is there, the oldest first."""
        found = (each for each in self.entries if each.package == package)
        return sorted(int(each.version.partition(".")[2]) for each in found)

    def check(self) -> None:
        newest = range(max(1, self.released - KEEP + 1), self.released + 1)
        for package in PACKAGES:
            assert set(newest) <= set(self.versions(package))
        for package, needed in NEEDS.items():
            assert set(self.versions(package)) <= set(self.versions(needed))


def days(seed: int) -> Iterator[tuple[int, bool]]:
    """How many releases each day has, and whether its prune takes place: one day in fifteen it does
    not, and once for a week."""
    chance = random.Random(seed)
    week = chance.randrange(100, 200)
    busiest = chance.randrange(365)
    for day in range(365):
        missed = day in range(week, week + 7) or chance.random() < 1 / 15
        yield 40 if day == busiest else DAILY, not missed


class TestByTheRules:
    @pytest.mark.parametrize("seed", range(2))
    def test_a_year_stays_bounded_and_comes_to_rest_after_missed_days(self, seed: int) -> None:
        """Five prunes in a row make good a whole week without any, and then some."""
        archive = Archive(settings())
        in_a_row, peak, partial = 0, 0, 0
        for releases, pruned in days(seed):
            archive.release(releases)
            peak = max(peak, len(archive.entries))
            in_a_row = in_a_row + 1 if pruned and releases == DAILY else 0
            if not pruned or archive.released < KEEP:
                continue
            left_over = archive.prune().left_over
            partial += left_over > 0
            assert len(archive.entries) == KEPT + left_over
            assert left_over == 0 or in_a_row < 5
        assert archive.released > 365 * DAILY and partial > 10
        assert peak < KEPT + 10 * DAILY * len(PACKAGES)  # A week, and what was left before it.

    def test_as_it_was_one_missed_day_ends_all_pruning(self) -> None:
        """What an operator's prune, which is all or nothing, comes to here."""
        archive = Archive(settings())
        archive.release(KEEP)
        for _ in range(5):
            archive.release(DAILY)
            archive.prune(partial=False)
        archive.release(DAILY)  # Nobody prunes.
        for _ in range(3):
            archive.release(DAILY)
            with pytest.raises(RejectedError) as refused:
                archive.prune(partial=False)
            assert refused.value.refusals[0].code == Code.PRUNE_TOO_MUCH

    @pytest.mark.parametrize("releases", [25, 60])
    def test_more_releases_than_the_share_allows_for_are_bounded_all_the_same(
        self, releases: int
    ) -> None:
        """Half of all that is there goes each day, so there are never two days' worth after it."""
        archive = Archive(settings())
        for _ in range(40):
            archive.release(releases)
            archive.prune()
        assert len(archive.entries) <= releases * len(PACKAGES) + 2

    def test_what_is_left_over_is_as_many_of_each_and_the_newest(self) -> None:
        archive = Archive(settings())
        archive.release(100)
        for version in range(1, 41):
            found = entry("seldom", f"1.{version}")
            archive.entries[found.identity] = found
        assert archive.prune().left_over > 0
        kept = {package: archive.versions(package) for package in (*PACKAGES, "seldom")}
        counts = {package: len(versions) for package, versions in kept.items()}
        most = max(counts.values())
        assert all(count in (most, most - 1) for p, count in counts.items() if p != "seldom")
        assert counts["seldom"] == 40 < most  # Of that there are fewer, so its are not the oldest.
        for package, versions in kept.items():
            newest = 40 if package == "seldom" else 100
            assert versions == list(range(newest - len(versions) + 1, newest + 1))

    def test_what_another_suite_needs_stays_through_all_of_it(self) -> None:
        text = b"Package: x\nVersion: 1\nArchitecture: all\nDepends: lib-dev (= 1.3)\n"
        archive = Archive(settings(protected=["cli (= 1.2)"]), elsewhere=[text])
        archive.release(300)
        while archive.prune().left_over:
            pass
        archive.release(100)
        while archive.prune().left_over:
            pass
        assert len(archive.entries) == KEPT + 3
        assert 3 in archive.versions("lib-dev") and 3 in archive.versions("lib")
        assert 2 in archive.versions("cli")

    @pytest.mark.parametrize("share", [0.0, 0.001])
    def test_a_share_that_allows_none_is_refused(self, share: float) -> None:
        archive = Archive(settings(prune_share=share))
        archive.release(KEEP + 1)
        with pytest.raises(RejectedError) as refused:
            archive.prune()
        assert refused.value.refusals[0].code == Code.PRUNE_TOO_MUCH


# In the press, in small: two packages, five releases a day, the newest six kept


SHORT = ("app", "lib")
FEW, FEW_KEPT = 5, 6


@dataclass
class Life:
    """A press of one suite, and how many releases it has had. `held` is all that was named at each
    hour of the last day, for hosts that took their indices then."""

    press: Press
    released: int = 0
    held: list[set[str]] = field(default_factory=list)

    def day(self, releases: int, *, pruned: bool = True) -> None:
        """Releases through the day, an hourly reaping, a prune at its end."""
        hours = 23
        for hour in range(hours):
            for _ in range(releases * (hour + 1) // hours - releases * hour // hours):
                self.released += 1
                files = debs(*((name, f"1.{self.released}", "all") for name in SHORT))
                started = self.press.upload(f"r{self.released}", files)
                assert self.press.publish(started) == "published"
            self._hour()
        if pruned:
            (asked,) = prune.run(self.press.services)
            assert publish_asked(self.press, asked) == "published"
        self._hour()

    def _hour(self) -> None:
        self.held = [*self.held[-23:], self._named()]
        self.press.clock.sleep(3600)
        reap.run(self.press.services)
        assert set().union(*self.held) <= set(self.press.store.keys("apt/"))

    def _named(self) -> set[str]:
        """What a host may fetch by the release of now, the packages that it sees among them."""
        layout, store = self.press.repository.layout, self.press.store
        found = {
            layout.by_hash("stable", name, listed.sha256)
            for name, listed in self.press.release().files.items()
            if name.endswith((".gz", ".xz"))
        }
        stanzas = [gzip.decompress(store.body(key)) for key in found if key.endswith(self._index())]
        names = (entries.field(e.text, "Filename") for text in stanzas for e in entries.split(text))
        return found | {layout.pool(name) for name in names}

    def _index(self) -> str:
        """The SHA-256 of the index that is read."""
        return self.press.release().files["main/binary-amd64/Packages.gz"].sha256

    def files(self, prefix: str) -> int:
        return sum(key.endswith(".deb") for key in self.press.store.keys(prefix))


def publish_asked(press: Press, asked: Batch) -> str | None:
    head = press.store.head(asked.staging + OPERATIONS)
    assert head is not None
    return press.publish(event(head.key, head.etag, head.version_id))


def test_eleven_days_of_a_press() -> None:
    """Two are missed, and then comes a busy one."""
    described = {"suites": [{**SMALL["suites"][0], "keep": FEW_KEPT}]}
    life = Life(Press(signers(), repository=config.parse(described)))
    life.press.set_up()
    kept, daily = len(SHORT) * FEW_KEPT, len(SHORT) * FEW
    usual, missed, busy = (FEW, True), (FEW, False), (13, True)
    for releases, pruned in [usual, usual, missed, missed, busy, *[usual] * 6]:
        life.day(releases, pruned=pruned)
        for name in SHORT:
            newest = {f"1.{n}" for n in range(max(1, life.released - 5), life.released + 1)}
            assert newest <= {i.version for i in life.press.packages() if i.package == name}
    # At rest: what is kept, and what the last prune took out, and the one before it.
    assert len(life.press.packages()) == kept
    assert life.files("apt/pool/") <= kept + 2 * daily
    # And of what CI uploaded, some hours.
    assert life.files("staging/") <= daily / 2
