"""The replica in another Region: whole at every moment, whoever runs when and dies where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from debpress import config, openpgp
from debpress.archive import Archive
from debpress.errors import CorruptError, IndexGoneError, TransientError
from debpress.index import release
from debpress.keys.publication import publish
from debpress.layout import Layout
from debpress.records.messages.mirror import Followed, Tidied
from debpress.steps import mirror, tidy
from debpress.steps.replication import Mirror, named
from debpress.steps.services import Services
from debpress.store import ObjectChanged, ObjectHeaders

from tests.support.clock import FakeClock
from tests.support.memory_store import MemoryStore
from tests.support.press import SUITES, Press, debs, quick_signers
from tests.support.scenes import PULLS
from tests.unit.test_reports import Metrics

HOUR = 3600.0
DAY = 24 * HOUR


@dataclass
class Copier:
    """Copies from one bucket in memory to the other; `before` is called with each key."""

    source: MemoryStore
    target: MemoryStore
    before: Callable[[str], None] = lambda _key: None
    copied: list[str] = field(default_factory=list)

    def copy(self, key: str) -> None:
        self.before(key)
        found = self.source.get(key)
        if found is None:
            raise ObjectChanged(key)
        self.target.put(key, found.body, ObjectHeaders(metadata=found.head.metadata))
        self.copied.append(key)


class Watched(MemoryStore):
    """A replica of which each write is followed by a look: whatever its InReleases name is there
    (law 8), and no Date and no Last-Modified goes back (laws 1 and 2)."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.flips: dict[str, list[tuple[object, object]]] = {}

    def check(self, press: Press) -> None:
        services = Services(self, press.repository, press.clock)
        for suite in press.repository.suites:
            state = services.archive.published(suite.suite)
            if state is None:
                continue
            for key in named(services, suite.suite, state.release):
                assert self.head(key) is not None, f"{key} is named and not there"
            flips = self.flips.setdefault(suite.suite, [])
            seen = (state.release.date, state.last_modified)
            if not flips or flips[-1] != seen:
                assert not flips or (flips[-1][0] < seen[0] and flips[-1][1] < seen[1])  # type: ignore[operator]
                flips.append(seen)


@dataclass
class Second:
    """A press and its replica."""

    press: Press
    store: Watched
    copier: Copier
    metrics: Metrics = field(default_factory=Metrics)

    @property
    def mirror(self) -> Mirror:
        press = self.press
        here = Services(self.store, press.repository, press.clock, self.metrics)
        return Mirror(press.services, here, self.copier)

    def follow(self) -> dict[str, Followed]:
        self.metrics = Metrics()
        done = mirror.run(self.mirror).suites
        self.store.check(self.press)
        return done

    def tidy(self) -> Tidied:
        done = tidy.run(self.mirror)
        self.store.check(self.press)
        return done

    def publish(self, batch: str, *packages: tuple[str, str, str]) -> None:
        self.press.clock.sleep(60)
        assert self.press.publish(self.press.upload(batch, debs(*packages))) == "published"

    def held(self) -> set[str]:
        return set(self.store.keys())

    def is_current(self) -> bool:
        keys = [self.press.repository.layout.inrelease(name) for name in ("stable", "testing")]
        return all(self.store.body(key) == self.press.store.body(key) for key in keys)


@pytest.fixture
def second(press: Press) -> Second:
    store = Watched(press.clock)
    made = Second(press, store, Copier(press.store, store))
    made.publish("b1", ("foo", "1", "all"), ("bar", "1", "amd64"))
    return made


def test_suites_that_come_and_go_are_not_followed(second: Second) -> None:
    press = second.press
    pulls = config.parse({"suites": [*SUITES["suites"], PULLS]})
    press.repository = replace(press.repository, patterns=pulls.patterns)
    archive = Archive(press.store, press.repository.layout, press.clock)
    quick_signers(archive)
    started = press.upload("p1", debs(("foo", "1", "all")), suite="pr-1")
    assert press.publish(started) == "published"
    second.follow()
    tidy.run(second.mirror)
    assert second.is_current()
    assert not [key for key in second.store.keys("") if "pr-1" in key or "_suites" in key]


def test_a_replica_begins_and_follows(second: Second) -> None:
    first = second.follow()
    assert second.is_current() and first["stable"].flipped
    second.publish("b2", ("foo", "2", "all"))
    second.publish("b3", ("foo", "3", "all"))
    done = second.follow()
    assert second.is_current()
    assert (done["stable"].flipped, done["testing"].flipped) == (True, False)
    assert len(second.store.flips["stable"]) == 2  # One flip for both batches.


def test_what_did_not_change_is_not_copied_again(second: Second) -> None:
    second.follow()
    assert second.follow()["stable"].copied == 0
    second.copier.copied.clear()
    second.publish("b2", ("foo", "2", "all"))
    second.follow()
    packages = [key for key in second.copier.copied if "/pool/" in key]
    assert len(packages) == 1


def test_hosts_read_the_replica_by_its_plain_names_too(second: Second) -> None:
    second.follow()
    keys = [k for k in second.press.store.keys("apt/dists/") if "/by-hash/" not in k]
    for key in keys:
        assert second.store.body(key) == second.press.store.body(key), key
    text, _ = openpgp.split(second.store.body("apt/dists/stable/InRelease"))
    assert release.parse(text) == second.press.release()


def test_new_hosts_are_set_up_by_the_replica_too(second: Second) -> None:
    press = second.press
    publish(press.archive, press.repository, "https://h.example", press.signers.key_gpg())
    second.follow()
    layout = second.press.repository.layout
    sources = [layout.sources(name) for name in ("stable", "testing")]
    for key in (*layout.patterns.keys, *layout.patterns.for_new_hosts, *sources):
        assert second.store.body(key) == second.press.store.body(key), key


def test_a_call_that_dies_anywhere_is_made_good_by_the_next(second: Second) -> None:
    second.follow()
    for write in range(1, 40):
        second.publish(f"c{write}", (f"c{write}", "1", "all"))
        second.store.fail_at(write, "before" if write % 2 else "after")
        try:
            second.follow()
        except TransientError:
            second.store.check(second.press)
        else:
            break
        second.follow()
        second.follow()
        assert second.is_current()
        release_text = second.press.store.body("apt/dists/stable/Release")
        assert second.store.body("apt/dists/stable/Release") == release_text
    else:
        raise AssertionError("a call has fewer writes than that")
    assert write > 8


def test_of_two_calls_at_once_the_older_one_loses(second: Second) -> None:
    second.follow()
    second.publish("b2", ("foo", "2", "all"))
    raced: list[str] = []

    def other(operation: str, key: str) -> None:
        if key.endswith("stable/InRelease") and not raced:
            raced.append(key)
            second.publish("b3", ("foo", "3", "all"))
            second.follow()

    second.store.on_write = other
    done = second.follow()
    second.store.on_write = None
    assert raced and not done["stable"].flipped
    assert second.is_current()


def test_an_object_that_the_archive_lost_meanwhile_stops_the_flip(second: Second) -> None:
    second.follow()
    before = second.store.body("apt/dists/stable/InRelease")
    second.publish("b2", ("foo", "2", "all"))

    def lose(key: str) -> None:
        if "/pool/" in key:
            second.press.store.delete(key)

    second.copier.before = lose
    with pytest.raises(IndexGoneError):
        second.follow()
    assert second.store.body("apt/dists/stable/InRelease") == before
    second.store.check(second.press)


def test_an_older_release_is_not_copied_and_the_other_suites_are(second: Second) -> None:
    older = second.press.store.body("apt/dists/stable/InRelease")
    second.publish("b2", ("foo", "2", "all"))
    second.follow()
    second.press.store.put("apt/dists/stable/InRelease", older)
    second.press.publish(second.press.upload("t1", debs(("t", "1", "all")), suite="testing"))
    with pytest.raises(CorruptError, match="not newer"):
        second.follow()
    key = "apt/dists/testing/InRelease"
    assert second.store.body(key) == second.press.store.body(key)


def test_a_suite_that_can_t_be_followed_does_not_keep_the_others_from_being_tidied(
    second: Second,
) -> None:
    older = second.press.store.body("apt/dists/stable/InRelease")
    second.publish("b2", ("foo", "2", "all"))
    second.follow()
    second.press.store.put("apt/dists/stable/InRelease", older)
    with pytest.raises(CorruptError, match="not newer"):
        mirror.run(second.mirror, tidying=True)
    second.store.check(second.press)
    assert second.tidy().copied == 0, "the press's records were copied"


def test_how_far_it_is_behind_is_measured_before_the_copying(second: Second) -> None:
    second.follow()
    assert second.follow() and second.metrics.said["stable", "SecondsBehind"] == 0
    second.publish("b2", ("foo", "2", "all"))
    second.press.clock.sleep(500)
    second.copier.before = lambda _key: (_ for _ in ()).throw(TransientError("far away"))
    with pytest.raises(TransientError):
        second.follow()
    assert 500 <= second.metrics.said["stable", "SecondsBehind"] < 510


# What else is kept, and what goes


def test_the_press_s_memory_is_copied_and_what_waits_is_not(second: Second) -> None:
    second.press.store.put("state/_signers/one.json", b"{}")
    second.press.store.put("state/stable/queue/x.json", b"{}")
    assert second.tidy().copied > 3
    held = set(second.store.keys("state/"))
    assert "state/_signers/one.json" in held and "state/stable/queue/x.json" not in held
    assert {k for k in second.press.store.keys("state/") if "/generations/" in k} <= held
    assert second.tidy().copied == 0


def reap(second: Second) -> None:
    """What the archive's own reaper does in the end."""
    services = second.press.services
    keep: set[str] = set()
    for suite in ("stable", "testing"):
        state = services.archive.published(suite)
        assert state is not None
        keep |= named(services, suite, state.release)
    for key in [k for root in ("pool", "dists") for k in second.press.store.keys(f"apt/{root}/")]:
        if key not in keep and ("/pool/" in key or "/by-hash/" in key):
            second.press.store.delete(key)


def test_what_the_archive_reaped_goes_when_the_replica_s_own_grace_is_over(second: Second) -> None:
    second.follow()
    (foo,) = [key for key in second.store.keys("apt/pool/") if "/foo/" in key]
    second.press.publish(second.press.operate("o1", {"op": "remove", "packages": ["foo"]}))
    second.press.clock.sleep(3 * DAY)
    reap(second)
    assert second.tidy().deleted == 0 and foo in second.held()  # It is named here still.
    second.press.clock.sleep(3 * DAY)
    assert second.tidy().deleted == 0 and foo in second.held()
    second.follow()
    assert second.tidy().deleted == 0  # Now it is not, for the first time.
    second.press.clock.sleep(20 * HOUR)
    assert second.tidy().deleted == 0 and foo in second.held()
    second.press.clock.sleep(6 * HOUR)
    assert second.tidy().deleted > 0 and foo not in second.held()
    assert not second.tidy().deleted


def test_what_comes_again_is_not_taken_from_under_a_release(second: Second) -> None:
    """It lies there, old and condemned; a follower does not rely on it, but copies it anew."""
    second.follow()
    second.press.publish(second.press.operate("o1", {"op": "remove", "packages": ["foo"]}))
    second.follow()
    reap(second)
    second.tidy()
    second.press.clock.sleep(2 * DAY)
    second.publish("again", ("foo", "1", "all"))
    (foo,) = [key for key in second.press.store.keys("apt/pool/") if "/foo/" in key]
    second.follow()
    assert foo in second.copier.copied[-12:]
    second.tidy()
    assert foo in second.held()


def test_a_pool_that_somebody_deleted_takes_nothing_along(second: Second) -> None:
    second.follow()
    for key in second.press.store.keys("apt/"):
        second.press.store.delete(key)
    with pytest.raises(CorruptError, match="nothing is deleted"):
        second.tidy()
    assert second.store.keys("apt/pool/")


def test_the_note_is_the_replica_s_own(second: Second) -> None:
    second.tidy()
    assert Layout.idle() in second.held() and not second.press.store.keys(Layout.idle())
