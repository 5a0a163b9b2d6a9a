"""How a suite of a pattern ends: when nobody published to it for days, or an operator says so; and
what comes to it at that moment, or later."""

from __future__ import annotations

import functools
import os
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from debpress import config, openpgp
from debpress.archive.ended import EndedPaths
from debpress.archive.headers import GENERATION
from debpress.index import release
from debpress.records.generation import number
from debpress.records.messages.commit import CommitInput
from debpress.records.messages.finish import Ended, FinishInput
from debpress.steps import commit, finish, reap
from debpress.steps.deletion import Deleted, Deletion
from debpress.steps.settling import settle

from tests.support.faults import (
    At,
    Call,
    Fault,
    Faults,
    Misfortune,
    Random,
    Script,
    Turns,
    World,
    no_faults,
)
from tests.support.memory_store import Snapshot
from tests.support.press import Press, debs, quick_signers
from tests.support.scenes import signers
from tests.unit.test_living import DAY, PATTERNS, entered, errors, made, publish, restored

SOAK = int(os.environ.get("DEBPRESS_SOAK", "0"))
HOUR = 3600.0
INRELEASE = "apt/dists/pr-1/InRelease"


@functools.cache
def _template() -> tuple[Snapshot, float]:
    """pr-1 with two generations, whose time is over."""
    press = Press(signers(), repository=config.parse(PATTERNS))
    quick_signers(press.archive)
    press.set_up()
    start = press.clock.now()
    for batch, version in (("b1", "1"), ("b2", "2")):
        press.clock.sleep(60)
        assert publish(press, "pr-1", version, batch=batch) == "published"
    press.clock.advance(3 * DAY)
    return press.store.snapshot(), (press.clock.now() - start).total_seconds()


@pytest.fixture
def press() -> Press:
    return at_its_end()


def at_its_end() -> Press:
    return restored(*_template())


def collect(press: Press) -> set[str]:
    return set(reap.run(press.services).keys)


def left(press: Press, suite: str = "pr-1") -> list[str]:
    """All there is of a suite, but for its packages and the answers to its CI."""
    prefixes = (f"apt/dists/{suite}/", f"apt/{suite}.", f"state/{suite}/")
    return [key for prefix in prefixes for key in press.store.keys(prefix)]


def versions(press: Press, suite: str = "pr-1") -> set[str]:
    return {identity.version for identity in press.packages(suite=suite)}


def indices(press: Press) -> set[str]:
    """The keys of what its Release names by hash, but for what is empty in each life."""
    files = press.release("pr-1").files
    names = [n for n in files if n.startswith("main/") and n.endswith((".gz", ".xz"))]
    return {press.archive.layout.by_hash("pr-1", name, files[name].sha256) for name in names}


class TestItsEnd:
    def test_comes_some_days_after_the_last_publish_and_not_before(self) -> None:
        press = at_its_end()
        press.clock.advance(-HOUR)
        collect(press)
        assert versions(press) == {"1", "2"}
        press.clock.advance(HOUR)
        assert INRELEASE in collect(press)
        assert press.store.get(INRELEASE) is None
        assert not press.store.keys("apt/pr-1.sources")
        assert not press.store.keys("apt/dists/pr-1/Release")
        assert press.archive.published("stable") is not None

    def test_no_earlier_version_of_inrelease_comes_back(self, press: Press) -> None:
        assert len(press.store.versions(INRELEASE)) == 2
        for _ in range(4):
            collect(press)
            assert press.store.get(INRELEASE) is None
            press.clock.advance(30 * HOUR)

    def test_what_it_named_stays_for_the_grace_and_then_all_of_it_goes(self, press: Press) -> None:
        named = indices(press)
        pool = press.store.keys("apt/pool/")
        collect(press)
        press.clock.advance(23 * HOUR)
        collect(press)
        assert {key for key in left(press) if "/main/binary-amd64/by-hash/" in key} == named
        assert press.store.keys("apt/pool/") == pool
        for _ in range(2):
            press.clock.advance(3 * HOUR)
            collect(press)
        assert left(press) == [] and press.store.keys("apt/pool/") == []
        assert press.result("b2", suite="pr-1")["status"] == "published"

    def test_the_note_of_it_is_the_last_to_go(self) -> None:
        leaves_a_note_beside_what_is_left(0)

    def test_what_another_suite_names_stays(self, press: Press) -> None:
        assert publish(press, "stable", "1") == "published"
        for _ in range(3):
            collect(press)
            press.clock.advance(30 * HOUR)
        assert versions(press, "stable") == {"1"} and left(press) == []

    def test_a_dry_run_tells_and_ends_nothing(self, press: Press) -> None:
        assert INRELEASE in reap.run(press.services, dry_run=True).keys
        assert versions(press) == {"1", "2"} and entered(press) == ("pr-1",)

    def test_its_place_is_free(self, press: Press) -> None:
        collect(press)
        assert entered(press) == ()

    def test_one_of_a_pattern_that_is_configured_no_more_stays_until_it_is_again(
        self, press: Press
    ) -> None:
        press.repository = config.parse({"suites": PATTERNS["suites"][:1]})
        collect(press)
        assert versions(press) == {"1", "2"}
        fixed, pattern = PATTERNS["suites"]
        press.repository = config.parse({"suites": [fixed, {**pattern, "at_most": 0}]})
        for _ in range(4):
            collect(press)
            press.clock.advance(30 * HOUR)
        assert left(press) == [] and entered(press) == ()

    def test_one_that_is_configured_by_its_name_since_does_not(self, press: Press) -> None:
        fixed = {"suite": "pr-1", "components": ["main", "extra"], "architectures": ["amd64"]}
        press.repository = config.parse({"suites": [PATTERNS["suites"][0], fixed]})
        collect(press)
        assert versions(press) == {"1", "2"}

    @pytest.mark.parametrize("k", range(1, 9))
    def test_a_reaper_that_dies_is_made_good_by_the_next(self, press: Press, k: int) -> None:
        world = World(press, faults=At(k, Fault.KILL_AFTER), tries=1)
        world.run({"reaper": lambda press: press.attempt(lambda: reap.run(press.services))})
        for _ in range(4):
            collect(press)
            press.clock.advance(30 * HOUR)
        assert left(press) == [] and entered(press) == ()


def leaves_a_note_beside_what_is_left(_: int) -> None:
    """Interleaving 64: at every moment a new life finds where the old one ended."""
    press = at_its_end()

    def wrote(_call: Call) -> None:
        keys = press.store.keys("state/pr-1/")
        is_over = not press.store.keys(INRELEASE)
        assert not is_over or not keys or "state/pr-1/ended.json" in keys, "the note is gone"

    for _ in range(4):
        World(press, wrote=wrote).run({"reaper": lambda press: reap.run(press.services)})
        press.clock.advance(30 * HOUR)
    assert left(press) == []


class TestAnOperatorsEnd:
    def test_is_a_flip_and_the_next_reaping(self, press: Press) -> None:
        publish(press, "pr-1", "3", batch="b3")
        assert press.publish(press.operate("o", {"op": "end"}, suite="pr-1")) == "published"
        assert versions(press) == {"1", "2", "3"}
        press.clock.advance(29 * 60)
        assert INRELEASE not in collect(press), "its commit may be at it still"
        press.clock.advance(60)
        assert INRELEASE in collect(press)

    def test_is_undone_by_publishing(self, press: Press) -> None:
        press.publish(press.operate("o", {"op": "end"}, suite="pr-1"))
        publish(press, "pr-1", "3", batch="b3")
        press.clock.advance(HOUR)
        assert INRELEASE not in collect(press)

    def test_is_refused_for_a_suite_that_is_configured_by_its_name(self, press: Press) -> None:
        assert press.publish(press.operate("o", {"op": "end"})) == "rejected"
        ((code, message),) = errors(press, "o", "stable")
        assert (code, message.partition(",")[0]) == (
            "manifest-field",
            "suite stable is configured by its name",
        )

    def test_what_was_named_shortly_before_stays_for_the_grace(self, press: Press) -> None:
        publish(press, "pr-1", "3", batch="b3")
        press.clock.advance(2 * DAY)
        asked = press.operate("o1", {"op": "remove", "packages": ["a (= 3)"]}, suite="pr-1")
        assert press.publish(asked) == "published"
        press.publish(press.operate("o2", {"op": "end"}, suite="pr-1"))
        pool = press.store.keys("apt/pool/")
        for _ in range(20):
            collect(press)
            press.clock.advance(HOUR)
        assert press.store.keys("apt/pool/") == pool


def ends_while_its_plain_names_are_put(_: int = 0) -> None:
    """Interleaving 66: the reaper comes between an `end`'s flip and the plain names of it."""
    press = at_its_end()
    publish(press, "pr-1", "3", batch="b3")
    asked = press.operate("o", {"op": "end"}, suite="pr-1")

    def beside(_operation: str, key: str) -> None:
        state = press.archive.published("pr-1")
        is_flipped = state is not None and state.expires == state.release.date
        if is_flipped and key == "apt/dists/pr-1/Release":
            press.store.on_write = None
            press.clock.sleep(1)
            collect(press)

    press.store.on_write = beside
    assert press.publish(asked) == "published" and press.store.on_write is None
    press.clock.advance(HOUR)
    collect(press)
    assert press.archive.published("pr-1") is None
    plain = ("apt/dists/pr-1/Release", "apt/dists/pr-1/Release.gpg", "apt/pr-1.sources")
    assert not {*left(press)} & {*plain}, "hosts fall back to what has no end"


def test_no_plain_name_comes_after_its_end() -> None:
    ends_while_its_plain_names_are_put()


class TestANewLife:
    @pytest.mark.parametrize("hours", [0.0, 2.0, 24.0, 26.0, 60.0])
    def test_goes_on_from_the_old_one_while_something_of_it_is_left(
        self, press: Press, hours: float
    ) -> None:
        before = press.archive.published("pr-1")
        for _ in range(2):
            collect(press)
            press.clock.advance(hours * HOUR / 2)
        collect(press)
        is_left = bool(press.store.keys("state/pr-1/ended.json"))
        assert is_left == (hours < 50)
        assert publish(press, "pr-1", "3", batch="b3") == "published"
        assert versions(press) == {"3"}
        after = press.archive.published("pr-1")
        assert before and after and after.release.date > before.release.date
        record = press.archive.suite("pr-1").generation(after.generation or "")
        assert record.parent is None and record.number == (3 if is_left else 1)
        assert record.after == (before.generation if is_left else None)
        for n in range(4):
            collect(press)
            press.clock.advance(15 * HOUR)
            assert publish(press, "pr-1", f"3.{n}", batch=f"c{n}") == "published"
        assert versions(press) == {"3", "3.0", "3.1", "3.2", "3.3"}

    def test_what_hosts_of_the_old_one_may_ask_for_stays_for_the_grace(self, press: Press) -> None:
        named = indices(press)
        collect(press)
        publish(press, "pr-1", "3", batch="b3")
        press.clock.advance(20 * HOUR)
        collect(press)
        assert named <= set(left(press))
        press.clock.advance(10 * HOUR)
        collect(press)
        assert not named & set(left(press))
        assert versions(press) == {"3"}

    @pytest.mark.parametrize("ends", [1, 2])
    def test_it_stays_when_the_new_one_ends_within_the_grace(self, press: Press, ends: int) -> None:
        """A pull request is closed, reopened and closed."""
        asked = press.operate("o", {"op": "remove", "packages": ["a (= 1)"]}, suite="pr-1")
        assert press.publish(asked) == "published"
        press.clock.advance(HOUR)
        named, pool = indices(press), set(press.store.keys("apt/pool/"))
        assert INRELEASE in collect(press)
        for n in range(ends):
            assert publish(press, "pr-1", f"3.{n}", batch=f"b{n}") == "published"
            press.clock.advance(60)
            asked = press.operate(f"o{n}", {"op": "end"}, suite="pr-1")
            assert press.publish(asked) == "published"
            press.clock.advance(HOUR)
            assert INRELEASE in collect(press)
        for _ in range(23 - ends):
            press.clock.advance(HOUR)
            collect(press)
        assert named <= set(left(press)) and pool <= set(press.store.keys("apt/pool/"))
        press.clock.advance(2 * HOUR)
        collect(press)
        assert not named & set(left(press)) and not pool & set(press.store.keys("apt/pool/"))
        for _ in range(9):
            press.clock.advance(2 * HOUR)
            collect(press)
        assert left(press) == [] and press.store.keys("apt/pool/") == []

    def test_is_gone_on_from_by_a_suite_that_is_configured_by_its_name(self, press: Press) -> None:
        named, pool = indices(press), set(press.store.keys("apt/pool/"))
        before = press.archive.published("pr-1")
        collect(press)
        press.clock.advance(HOUR)
        press.repository = config.parse({"suites": PATTERNS["suites"][:1]})
        collect(press)
        fixed = {"suite": "pr-1", "components": ["main", "extra"], "architectures": ["amd64"]}
        press.repository = config.parse({"suites": [PATTERNS["suites"][0], fixed]})
        press.set_up()
        after = press.archive.published("pr-1")
        assert before and after and after.release.date > before.release.date
        assert number(after.generation) == number(before.generation) + 1
        press.clock.advance(20 * HOUR)
        collect(press)
        assert named <= set(left(press)) and pool <= set(press.store.keys("apt/pool/"))
        press.clock.advance(10 * HOUR)
        collect(press)
        assert not named & set(left(press)) and not press.store.keys("apt/pool/")

    def test_a_reaper_that_notes_an_end_again_adds_none(self, press: Press) -> None:
        world = World(press, faults=At(1, Fault.KILL_AFTER), tries=1)
        world.run({"reaper": lambda press: press.attempt(lambda: reap.run(press.services))})
        assert press.archive.suite("pr-1").ended() and press.archive.published("pr-1")
        assert INRELEASE in collect(press)
        note = press.archive.suite("pr-1").ended()
        assert note is not None and note.earlier is None

    def test_keeps_what_is_equal_to_what_the_reaper_has_condemned_of_the_old_one(
        self, press: Press, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Interleaving 64: it begins when the reaper has looked, and has yet to delete."""
        collect(press)
        press.clock.advance(26 * HOUR)
        begins_before_it_deletes(press, monkeypatch)
        files = press.release("pr-1").files
        named = {f"apt/dists/pr-1/{n}" for n in files if n.endswith((".gz", ".xz"))}
        assert named <= set(left(press)), "published, and not by its plain names"

    def test_keeps_a_source_that_the_reaper_has_condemned(
        self, press: Press, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Interleaving 65: an earlier reaper has died before it deleted the old one's."""
        leaves_a_source(press)
        press.clock.advance(26 * HOUR)
        begins_before_it_deletes(press, monkeypatch)
        assert press.store.keys("apt/pr-1.sources"), "published, and nobody is told of it"

    def test_writes_a_source_that_the_reaper_deletes_at_that_moment(self, press: Press) -> None:
        leaves_a_source(press)

        def beside(_operation: str, key: str) -> None:
            if key == "apt/pr-1.sources":
                press.store.on_write = None
                press.store.delete(key)

        press.store.on_write = beside
        assert publish(press, "pr-1", "3", batch="b3") == "published"
        assert press.store.on_write is None and press.store.keys("apt/pr-1.sources")

    def test_what_the_old_one_has_decided_is_not_published_again(self, press: Press) -> None:
        """Interleaving 63: a batch is published, and its function dies before it says so."""
        steps = press.steps(press.upload("dead", debs(("dead", "1", "all")), suite="pr-1"))
        for _ in range(5):
            next(steps)
        press.clock.advance(300)
        assert press.publish(press.operate("o", {"op": "end"}, suite="pr-1")) == "published"
        press.clock.advance(HOUR)
        assert INRELEASE in collect(press)
        for batch, wait in (("b3", 300.0), ("b4", 2 * HOUR), ("b5", 0.0)):
            assert publish(press, "pr-1", batch[1], batch=batch) == "published"
            shown = {i.package for i in press.packages(suite="pr-1")}
            assert shown == {"a"}, "it comes back"
            press.clock.advance(wait)
        assert press.result("dead", suite="pr-1")["status"] == "published"
        assert press.result("dead", suite="pr-1")["generation"] == 3
        assert not press.store.keys("state/pr-1/queue/")


def is_committed_when_its_life_is_over(tried: int) -> None:
    """Interleaving 67: the first commit of a life had no answer (`tried`), or stood still while
    another one was the first."""
    press = made()
    steps = press.steps(press.upload("late", debs(("late", "1", "all")), suite="pr-9"))
    while not (signed := press.store.keys("state/pr-9/signed/")):
        next(steps)
    late = signed[0].rpartition("/")[2].removesuffix(".json")
    if tried:
        commit.run(press.services, CommitInput("pr-9", late), press.keys)
    press.clock.sleep(120)
    assert publish(press, "pr-9", "5", batch="other") == "published"
    press.clock.sleep(60)
    assert press.publish(press.operate("o", {"op": "end"}, suite="pr-9")) == "published"
    before = press.archive.published("pr-9")
    press.clock.advance(HOUR)
    collect(press)
    assert press.archive.published("pr-9") is None
    said = commit.run(press.services, CommitInput("pr-9", late), press.keys)
    assert press.archive.published("pr-9") is None, "it rises from the dead"
    assert said.outcome == "lost"
    assert [*steps][-1] == "published" == press.result("late", suite="pr-9")["status"]
    assert publish(press, "pr-9", "6", batch="next") == "published"
    after = press.archive.published("pr-9")
    assert before and after and after.release.date > before.release.date
    assert number(after.generation) > number(before.generation)


@pytest.mark.parametrize("tried", [0, 1])
def test_the_first_generation_of_a_life_that_is_over_stays_in_it(tried: int) -> None:
    is_committed_when_its_life_is_over(tried)


def ends_twice_under_a_slow_reaper(_: int = 0) -> None:
    """Interleaving 68: it stands still before it notes the first end."""
    press, last = at_its_end(), list[str | None]()

    def beside(_operation: str, key: str) -> None:
        if key == "state/pr-1/ended.json":
            press.store.on_write = None
            collect(press)
            for batch in ("b3", "b4"):
                assert publish(press, "pr-1", batch[1], batch=batch) == "published"
                press.clock.sleep(60)
            assert press.publish(press.operate("o", {"op": "end"}, suite="pr-1")) == "published"
            state = press.archive.published("pr-1")
            last.append(state.generation if state else None)
            press.clock.advance(HOUR)
            collect(press)
            assert press.archive.published("pr-1") is None

    press.store.on_write = beside
    collect(press)
    note = press.archive.suite("pr-1").ended()
    assert note and [note.generation] == last, "it is the note of an earlier end"


def test_the_note_of_a_later_end_is_not_replaced() -> None:
    ends_twice_under_a_slow_reaper()


def test_what_was_flipped_and_has_ended_is_not_said_to_have_failed(press: Press) -> None:
    """Interleaving 62: the execution dies after the flip, and is told so when the suite is gone."""
    steps = press.steps(press.upload("dead", debs(("dead", "1", "all")), suite="pr-1"))
    for _ in range(5):
        next(steps)
    [entry] = press.store.keys("state/pr-1/queue/")
    run = entry.rpartition("/")[2].removesuffix(".json")
    press.clock.advance(300)
    assert press.publish(press.operate("o", {"op": "end"}, suite="pr-1")) == "published"
    press.clock.advance(HOUR)
    assert INRELEASE in collect(press)
    failed = FinishInput("pr-1", run, Ended.FAILED, error={"Error": "States.Timeout"})
    assert finish.run(press.services, failed).status == "published"
    result = press.result("dead", suite="pr-1")
    assert (result["status"], result["generation"]) == ("published", 3)


def leaves_a_source(press: Press) -> None:
    """A reaper that ends pr-1, and dies before it deletes all that tells of it."""
    source = press.store.get("apt/pr-1.sources")
    collect(press)
    assert source and press.archive.published("pr-1") is None
    press.store.put(source.head.key, source.body)


def begins_before_it_deletes(press: Press, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reaping that has condemned what there was of pr-1 when a new life of it begins."""
    delete = Deletion.delete

    def after(deletion: Deletion, *found: Any) -> Deleted:
        assert publish(press, "pr-1", "3", batch="b3") == "published"
        return delete(deletion, *found)

    with monkeypatch.context() as patched:
        patched.setattr(Deletion, "delete", after)
        collect(press)
    assert versions(press) == {"3"}


class TestTheRecord:
    def test_a_suite_that_was_never_published_to_is_taken_out_hours_later(
        self, press: Press
    ) -> None:
        collect(press)
        press.archive.suites.enter("pr-*", "pr-5", press.clock.now(), None)
        press.clock.advance(2 * HOUR)
        collect(press)
        assert entered(press) == ("pr-5",), "its first generation may be on its way"
        press.clock.advance(2 * HOUR)
        collect(press)
        assert entered(press) == ()

    def test_one_for_which_a_batch_waits_is_not(self, press: Press) -> None:
        steps = press.steps(press.upload("b", debs(("a", "1", "all")), suite="pr-5"))
        for _ in range(3):
            next(steps)
        press.clock.advance(5 * HOUR)
        collect(press)
        assert entered(press) == ("pr-5",)

    def test_what_is_published_is_entered_should_it_be_missing(self, press: Press) -> None:
        publish(press, "pr-1", "3", batch="b3")
        press.store.delete("state/_suites/pr-.json")
        collect(press)
        assert entered(press) == ("pr-1",)

    def test_another_pattern_takes_over_its_suites(self, press: Press) -> None:
        publish(press, "pr-1", "3", batch="b3")
        wider = {**PATTERNS["suites"][1], "suite": "p*"}
        press.repository = config.parse({"suites": [PATTERNS["suites"][0], wider]})
        collect(press)
        assert entered(press) == ("pr-1",)

    def test_who_enters_meanwhile_is_not_taken_out(self, press: Press) -> None:
        """Interleaving 58: a first merge enters its suite anew, just when the reaper has looked."""
        suites, long_ago = press.archive.suites, press.clock.now() - timedelta(hours=9)
        suites.enter("pr-*", "pr-5", long_ago, None)

        def beside(_operation: str, key: str) -> None:
            if key == "state/_suites/pr-.json":
                press.store.on_write = None
                suites.enter("pr-*", "pr-5", press.clock.now(), None)

        press.store.on_write = beside
        settle(press.services, ["pr-"], {"pr-1"}, press.clock.now())
        assert entered(press) == ("pr-1", "pr-5")


class TestWhoWaitsForASuiteThatIsNotThere:
    """Its execution has died before the first flip, or before the end of the last life."""

    @pytest.fixture
    def press(self) -> Press:
        press = at_its_end()
        collect(press)
        self.waits(press, "pr-5")
        return press

    def waits(self, press: Press, suite: str) -> Any:
        steps = press.steps(press.upload("dead", debs(("dead", "1", "all")), suite=suite))
        for _ in range(3):
            next(steps)
        assert press.store.keys(f"state/{suite}/queue/")
        return steps

    def test_is_taken_in_by_the_next_publish(self, press: Press) -> None:
        for _ in range(3):
            press.clock.advance(30 * HOUR)
            collect(press)
        assert entered(press) == ("pr-5",)
        assert publish(press, "pr-5", batch="next") == "published"
        assert {each.package for each in press.packages(suite="pr-5")} == {"a", "dead"}
        assert press.result("dead", suite="pr-5")["status"] == "published"

    def test_goes_when_it_would_be_gone_from_staging(self, press: Press) -> None:
        for _ in range(7):
            collect(press)
            press.clock.advance(DAY)
        assert press.store.keys("apt/pool/") and left(press, "pr-5")
        collect(press)
        collect(press)
        assert left(press, "pr-5") == [] and entered(press) == ()
        assert press.store.keys("apt/pool/") == []

    def test_is_published_while_the_reaper_looks(
        self, press: Press, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Interleaving 69: it leaves the queue when it is known which suites have an InRelease."""
        press.clock.advance(30 * HOUR)

        def look(*given: Any) -> EndedPaths:
            assert publish(press, "pr-5", batch="next") == "published"
            return EndedPaths(*given)

        with monkeypatch.context() as patched:
            patched.setattr(reap, "EndedPaths", look)
            collect(press)
        assert {each.package for each in press.packages(suite="pr-5")} == {"a", "dead"}

    def test_is_known_to_be_decided_in_the_life_before(self, press: Press) -> None:
        """Interleaving 63, and nobody publishes for days."""
        steps = self.waits(press, "pr-6")
        for _ in range(2):
            next(steps)
        assert press.archive.published("pr-6")
        press.clock.advance(HOUR)
        assert press.publish(press.operate("o", {"op": "end"}, suite="pr-6")) == "published"
        for _ in range(4):
            press.clock.advance(HOUR)
            collect(press)
            press.clock.advance(DAY)
        assert publish(press, "pr-6", batch="next") == "published"
        assert {each.package for each in press.packages(suite="pr-6")} == {"a"}, "it comes back"
        assert press.result("dead", suite="pr-6")["generation"] == 1


# One publishes while the other ends the suite


class Host:
    """Looks at each InRelease there ever is, and fetches what it names."""

    def __init__(self, press: Press) -> None:
        self.press = press
        self.seen: list[tuple[int, datetime, datetime]] = []
        self.look()

    def wrote(self, call: Call) -> None:
        if call.key == INRELEASE:
            self.look()

    def look(self) -> None:
        found = self.press.store.served(INRELEASE)
        if found is None:
            return
        head, body, headers = found
        said = release.parse(openpgp.split(body)[0])
        self.press.packages(suite="pr-1")
        now = (number(headers.metadata[GENERATION]), said.date, head.last_modified)
        if self.seen and self.seen[-1] != now:
            last = self.seen[-1]
            assert last[0] < now[0] and last[1] < now[1] and last[2] < now[2], "does not rise"
        self.seen.append(now)


def publishes_while_it_ends(turns: Turns, faults: Faults = no_faults) -> None:
    """Interleavings 61 and 62: whoever is told `published` is seen, and for days."""
    press = at_its_end()
    event = press.upload("b3", debs(("a", "3", "all")), suite="pr-1")
    host = Host(press)
    world = World(press, turns=turns, faults=faults, wrote=host.wrote)
    said = world.run(
        {
            "ci": lambda press: press.publish(event),
            "reaper": lambda press: press.attempt(lambda: reap.run(press.services)),
        }
    )
    assert not world.surprises, f"surprised by {world.surprises}"
    assert said["ci"] == press.result("b3", suite="pr-1")["status"] == "published"
    is_seen = press.archive.published("pr-1") is not None and "3" in versions(press)
    assert is_seen, "published, and not to be seen"
    assert entered(press) == ("pr-1",)
    for n in range(2):
        press.clock.advance(20 * HOUR)
        collect(press)
        assert "3" in versions(press)
        assert publish(press, "pr-1", f"3.{n}", batch=f"c{n}") == "published"
    assert press.store.keys("apt/pr-1.sources"), "nobody is told of it"


# Calls of a publish; and of a reaping: before it deletes InRelease, between that and the plain
# names, and before it brings the record in line.
CALLS = range(0, 46, 1 if SOAK else 5)
REAPED = range(20, 44) if SOAK else (25, 26, 28, 42)


@pytest.mark.parametrize("first", CALLS)
class TestAPublishAtItsEnd:
    def test_and_the_reaper_comes_in_between(self, first: int) -> None:
        for second in REAPED:
            publishes_while_it_ends(Script([("ci", first), ("reaper", second)]))

    def test_and_it_comes_while_the_reaper_is_at_it(self, first: int) -> None:
        for second in REAPED:
            publishes_while_it_ends(Script([("reaper", second), ("ci", first), ("reaper", 10**6)]))


@pytest.mark.parametrize("k", range(1, 16, 1 if SOAK else 2))
def test_a_publish_that_dies_at_its_end_is_made_good(k: int) -> None:
    turns = Script([("ci", 26), ("reaper", 26), ("ci", 10**6)])
    publishes_while_it_ends(turns, At(k, Fault.KILL_AFTER, "ci"))


@pytest.mark.parametrize("seed", range(100 * SOAK or 8))
def test_whatever_meets_at_its_end(seed: int) -> None:
    """Two batches, an operator who ends it, a repeated event and two reapers, by chance, and with
    faults; then others publish, and nothing is left undone; and then it ends, and is gone."""
    press, chance = at_its_end(), random.Random(seed)
    packages = {"one": "b", "other": "c"}
    events = {
        name: press.upload(name, debs((package, "1", "all")), suite="pr-1")
        for name, package in packages.items()
    }
    if chance.random() < 0.5:
        events["end"] = press.operate("end", {"op": "end"}, suite="pr-1")
    if chance.random() < 0.5:
        events["again"] = events["one"]
    faults = Misfortune(random.Random(seed), chance.choice([0.0, 0.005, 0.02]))
    turns = Random(random.Random(seed), chance.choice([0.0, 0.5, 0.9]))
    world = World(press, turns=turns, faults=faults, seed=seed, wrote=Host(press).wrote)

    def reaps(delay: float) -> Callable[[Press], Any]:
        def job(press: Press) -> Any:
            press.clock.sleep(delay)
            return press.attempt(lambda: reap.run(press.services))

        return job

    jobs = {name: functools.partial(Press.publish, started=e) for name, e in events.items()}
    world.run({**jobs, "reaper": reaps(0), "later": reaps(8 * chance.random())})
    # Of two reapers, one may find that the other has ended what it looks at.
    assert all("vanished" in str(each) for each in world.surprises), world.surprises
    if not world.broken and "end" not in events:
        shown = {identity.package for identity in press.packages(suite="pr-1")}
        told = {press.result(name, suite="pr-1")["status"] for name in packages}
        assert told == {"published"} and shown >= {"b", "c"}
    world.faults = no_faults
    for n in range(3):
        press.clock.advance(2 * HOUR)
        assert publish(press, "pr-1", f"9.{n}", batch=f"heals{n}") == "published"
        collect(press)
    assert not press.store.keys("state/pr-1/queue/") and entered(press) == ("pr-1",)
    assert press.store.keys("apt/pr-1.sources")
    press.clock.advance(4 * DAY)
    for _ in range(9):
        collect(press)
        press.clock.advance(30 * HOUR)
    assert left(press) == [] and entered(press) == ()
