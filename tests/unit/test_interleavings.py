"""Several publishers at once, taking turns at every call to the store.

After each write a host looks, and a witness judges each flip and each result (tests/support). The
quick suite tries some 1,000 interleavings; `DEBPRESS_SOAK=<rounds>` many times more, at random.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from debpress.clock import from_iso
from debpress.records.messages.told import Told
from debpress.steps import reap
from debpress.suite.leading import PATIENCE
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.faults import At, Fairly, Fault, Misfortune, Random, Script, no_faults
from tests.support.press import Press, deb
from tests.support.scenes import OLD, WITHDRAW, Scene, fresh, queued, scene

SOAK = int(os.environ.get("DEBPRESS_SOAK", "0"))

CALLS = 60  # a flip of the small scene has about as many, from merge to finish


class TestTwoPublishers:
    """One is stopped at some call, the other at some later one, then the first goes on to its end,
    and the other after it: for each pair of calls (in the quick suite, for a spread of them)."""

    @pytest.mark.parametrize("first", range(0, CALLS, 1 if SOAK else 3))
    def test_two_batches(self, first: int) -> None:
        for second in range(first % 5, CALLS, 1 if SOAK else 5):
            where = _two(fresh("a"), fresh("b"))
            world = where.world(turns=Script([("a", first), ("b", second)]))
            assert world.run(queued(where, "a", "b")) == dict.fromkeys("ab", "published")
            assert where.seen() >= {"a", "a-bin", "b", "b-bin"}
            assert not world.surprises
            where.witness.settled()

    @pytest.mark.parametrize("first", range(0, CALLS, 1 if SOAK else 4))
    def test_two_batches_that_contradict_each_other(self, first: int) -> None:
        for second in range(first % 6, CALLS, 1 if SOAK else 6):
            where = _two(fresh("a"), fresh("a", note="other"))
            world = where.world(turns=Script([("a", first), ("b", second)]))
            said = world.run(queued(where, "a", "b"))
            assert sorted(said.values()) == ["published", "rejected"]
            assert {where.status(name) for name in "ab"} == {"published", "rejected"}
            where.witness.settled()

    @pytest.mark.parametrize("first", range(0, CALLS, 1 if SOAK else 4))
    def test_what_is_forgotten_makes_room_for_other_bytes(self, first: int) -> None:
        """Whether the upload is refused depends on who is first; what is said must be what is."""
        for second in range(first % 6, CALLS, 1 if SOAK else 6):
            where = scene(removals=True)
            where.operate("a", *WITHDRAW)
            where.upload("b", {"old0_1_all.deb": deb("old0", "1", note="other")})
            world = where.world(turns=Script([("b", first), ("a", second)]))
            said = world.run(queued(where, "a", "b"))
            assert said["a"] == "published" and not world.surprises
            assert ("old0" in where.seen()) == (said["b"] == "published")
            where.witness.settled()

    @pytest.mark.parametrize("first", range(0, CALLS, 1 if SOAK else 4))
    def test_a_removal_makes_no_room_for_other_bytes(self, first: int) -> None:
        """Whoever is first, and whoever takes whom along (interleaving 25)."""
        for second in range(first % 6, CALLS, 1 if SOAK else 6):
            where = scene(removals=True)
            where.operate("a", {"op": "remove", "packages": ["old0"]})
            where.upload("b", {"old0_1_all.deb": deb("old0", "1", note="other")})
            world = where.world(turns=Script([("b", first), ("a", second)]))
            assert world.run(queued(where, "a", "b")) == {"a": "published", "b": "rejected"}
            assert "old0" not in where.seen() and not world.surprises
            where.witness.settled()

    @pytest.mark.parametrize("first", range(0, 110, 1 if SOAK else 5))
    def test_one_event_twice_while_its_package_is_removed(self, first: int) -> None:
        """The repeat stops anywhere; the first publishes, an operator removes; the repeat goes on,
        and must not bring back what was removed."""
        where = scene(removals=True)
        event = where.upload("a", fresh("a"))
        remove = where.operate("remove", {"op": "remove", "packages": ["a"]})

        def whole(press: Press) -> Any:
            said = press.publish(event)
            press.clock.sleep(30)
            return said, press.publish(remove)

        world = where.world(turns=Script([("repeat", first), ("whole", 10**6)]))
        said = world.run({"repeat": lambda press: press.publish(event), "whole": whole})
        assert said["whole"] in (("published", "published"), (None, "published"))
        assert "a" not in where.seen() and "a-bin" in where.seen()
        assert where.status("a") == "published" and not world.surprises
        where.witness.settled()

    @pytest.mark.parametrize("first", range(0, 60, 1 if SOAK else 3))
    def test_a_removal_asked_for_once_happens_once(self, first: int) -> None:
        """The repeat of an operator's event stops anywhere; the removed package is published anew;
        the repeat goes on, and must not remove it again."""
        where = scene(removals=True)
        remove = where.operate("remove", {"op": "remove", "packages": ["old0"]})
        anew = where.upload("anew", {"old0_1_all.deb": OLD["old0_1_all.deb"]})

        def whole(press: Press) -> Any:
            press.publish(remove)
            press.clock.sleep(30)
            return press.publish(anew)

        world = where.world(turns=Script([("repeat", first), ("whole", 10**6)]))
        world.run({"repeat": lambda press: press.publish(remove), "whole": whole})
        assert "old0" in where.seen() and not world.surprises
        where.witness.settled()

    @pytest.mark.parametrize("first", range(0, 40, 1 if SOAK else 3))
    def test_a_file_replaced_between_an_event_and_its_repeat(self, first: int) -> None:
        """The repeat finds other bytes than the first did: it must not reject what is under way."""
        where = scene()
        event = where.upload("a", fresh("a"))

        def whole(press: Press) -> Any:
            steps = press.steps(event)
            said = [next(steps) for _ in range(3)]
            press.store.put("staging/stable/main/b/a_1_all.deb", b"unrelated")
            press.store.put("staging/stable/main/a/a_1_all.deb", deb("a", "1", note="evil"))
            return [*said, *steps][-1]

        world = where.world(turns=Script([("repeat", first), ("whole", 10**6)]))
        said = world.run({"repeat": lambda press: press.publish(event), "whole": whole})
        assert said["whole"] == where.status("a") and not world.surprises
        assert ("a" in where.seen()) == (where.status("a") == "published")
        where.witness.settled()

    @pytest.mark.parametrize("first", range(0, 120, 1 if SOAK else 4))
    def test_an_older_upload_never_answers_for_a_newer(self, first: int) -> None:
        older_and_newer(first)

    @pytest.mark.parametrize("first", range(0, 60, 1 if SOAK else 3))
    def test_a_failure_waits_for_who_may_hold_its_batch(self, first: int) -> None:
        """b's merge may have a's batch in hand when a breaks down: a says failed only when nobody
        can publish it any more."""
        where = _two(fresh("a"), fresh("b"))
        jobs = queued(where, "a", "b")
        jobs["a"] = lambda press: press.finish("stable", where.runs["a"], "failed")
        world = where.world(turns=Script([("b", first), ("a", 6), ("b", 10**6)]))
        said = world.run(jobs)
        assert said["b"] == "published" and said["a"] == where.status("a")
        assert ("a" in where.seen()) == (said["a"] == "published")
        assert not where.witness.corrected
        where.witness.settled()


# Seconds. Whoever is told goes on at once; who is not waits twice as long.
TOLD = PATIENCE.total_seconds() / 2


def older_and_newer(first: int) -> None:
    """Interleaving 7: one manifest replaces another at some moment of its publish."""
    where = scene()
    older = where.upload("b1", fresh("a"))

    def newer(press: Press) -> Any:
        return press.publish(where.upload("b1", fresh("b")))

    world = where.world(turns=Script([("older", first), ("newer", 10**6)]))
    world.run({"older": lambda press: press.publish(older), "newer": newer})
    found = where.events["b1"]["detail"]["object"]
    told = where.press.result("b1")["manifest"]["etag"]
    assert told == found["etag"], "the result answers another manifest"
    assert where.status("b1") == "published" and not world.surprises
    where.witness.settled()


def queues_while_another_leads(turns: tuple[int, int]) -> None:
    """Interleaving 40: b comes at some moment of a's publish, a second later."""
    where = _two(fresh("a"), fresh("b"))
    world = where.world(turns=Fairly(Script([("a", turns[0]), ("b", turns[1])])))

    def later(press: Press) -> Any:
        press.clock.sleep(1)
        return press.publish(where.events["b"])

    said = world.run({"a": lambda press: press.publish(where.events["a"]), "b": later})
    assert said == {"a": "published", "b": "published"}
    assert world.elapsed < TOLD, f"waited in vain, {world.elapsed} s"
    where.witness.settled()


def leads_and_publishes_others(first: int) -> None:
    """Interleaving 42: an operation stands in the queue first; two batches that came before it, by
    their own functions' clocks, go along without it."""
    where = scene(removals=True)
    where.operate("o", {"op": "remove", "packages": ["old0"]})
    for name in "bc":
        where.upload(name, {f"{name}_1_all.deb": deb(name, "1")})
    turns = Fairly(Script([("o", first), ("b", 30), ("c", 30)]))
    world = where.world(turns=turns, skew={"b": -60.0, "c": -60.0})

    def later(name: str) -> Callable[[Press], Any]:
        def job(press: Press) -> Any:
            press.clock.sleep(1)
            return press.publish(where.events[name])

        return job

    said = world.run(
        {"o": lambda press: press.publish(where.events["o"]), "b": later("b"), "c": later("c")}
    )
    assert said == dict.fromkeys("obc", "published")
    assert world.elapsed < TOLD, f"waited in vain, {world.elapsed} s"
    where.witness.settled()


class TestWaitingToBeTold:
    @pytest.mark.parametrize("first", range(0, 60, 1 if SOAK else 5))
    def test_nobody_waits_in_vain(self, first: int) -> None:
        for second in range(first % 4, 45, 1 if SOAK else 9):
            queues_while_another_leads((first, second))

    @pytest.mark.parametrize("first", range(0, 12, 1 if SOAK else 3))
    def test_who_leads_and_publishes_only_others_has_them_answered(self, first: int) -> None:
        leads_and_publishes_others(first)

    @pytest.mark.parametrize("steps", [3, 4, 5])
    def test_a_leader_that_dies_makes_the_others_late_and_loses_none(self, steps: int) -> None:
        """Interleaving 43: merged, signed or committed, and then no word."""
        where = scene()
        dead = where.press.steps(where.upload("dead", fresh("dead")))
        for _ in range(steps):
            next(dead)
        where.press.clock.sleep(2)
        begun = where.press.clock.now()
        others = {n: where.press.steps(where.upload(n, fresh(n))) for n in "abc"}
        where.press.interleave([*others.values()], random.Random(steps))
        assert {where.press.result(n)["status"] for n in "abc"} == {"published"}
        if steps < 5:  # What was committed is answered an hour later, by whoever comes (5).
            assert where.press.result("dead")["status"] == "published"
        assert timedelta(0) < where.press.clock.now() - begun < 5 * PATIENCE

    def test_a_word_that_comes_twice_or_too_late_is_no_word(self) -> None:
        """Interleaving 44."""
        where = _two(fresh("a"), fresh("b"))
        lead = where.press.steps(where.events["a"])
        for _ in range(3):
            next(lead)
        where.press.clock.sleep(2)
        waiting = where.press.steps(where.events["b"])
        for _ in range(4):
            next(waiting)
        (token,) = where.press.tokens
        assert where.press.tell(token, Told.AGAIN) and not where.press.tell(token, Told.ANSWERED)
        assert [*waiting][-1] == "published"
        assert not where.press.tell(token, Told.AGAIN)
        assert [*lead][-1] == "published"
        where.witness._look()
        where.heal(where.world())


class TestOneBatchName:
    """What CI may do with the place of one batch, besides using it once."""

    @pytest.mark.parametrize("files", ["other", "same", "published"])
    @pytest.mark.parametrize("stopped", ["json", "again"])
    @pytest.mark.parametrize("first", range(0, 90, 1 if SOAK else 5))
    def test_two_manifests_in_one_place(self, first: int, stopped: str, files: str) -> None:
        """Each is an upload of its own, and so is each one's answer; the result holds the last of
        them, which `manifest` in it tells. A repeat of the one finds the other's there."""
        where = scene()
        mine = OLD if files == "published" else fresh("a")
        theirs = fresh("b") if files == "other" else mine
        json = where.upload("it", mine)
        sums = where.sums("it", theirs)
        others = [("json", 10**6), ("sums", 10**6), ("again", 10**6)]
        turns = Script([(stopped, first), *(o for o in others if o[0] != stopped)])
        events = {"json": json, "sums": sums, "again": json}
        world = where.world(turns=turns)
        said = world.publish(events)
        assert set(said.values()) <= {"published", None} and not world.surprises, world.surprises
        runs = {where.runs["it"], where.runs["it/sums"]}
        assert {where.witness.said(run) for run in runs} == {"published"}
        assert where.seen() >= {name.partition("_")[0] for name in (*mine, *theirs)}
        told = where.press.result("it")["manifest"]["key"].rpartition("/")[2]
        assert told in ("manifest.json", "SHA256SUMS")
        where.witness.settled()

    def test_used_again_with_other_content(self) -> None:
        """Days later, say. The result is the newer's, and a late event of the older's upload,
        which is no longer there, changes nothing."""
        where = scene()
        world = where.world()
        older = where.upload("it", fresh("a"))
        assert world.publish({"it": older}) == {"it": "published"}
        first = where.press.result("it")
        where.press.clock.advance(3600)
        newer = where.upload("it", fresh("b"))
        for _ in range(2):
            assert world.publish({"late": older}) == {"late": None}
            assert where.press.result("it") == first
            if newer:
                assert world.publish({"it": newer}) == {"it": "published"}
            first, newer = where.press.result("it"), {}
        assert {p["package"] for p in first["packages"]} == {"b", "b-bin"}
        assert where.seen() >= {"a", "a-bin", "b", "b-bin"}
        where.witness.settled()

    def test_events_out_of_order(self) -> None:
        """The newer upload's comes first; the older's then finds another upload in its place."""
        where = scene()
        world = where.world()
        older = where.upload("it", fresh("a"))
        newer = where.upload("it", fresh("b"))
        assert world.publish({"newer": newer}) == {"newer": "published"}
        assert world.publish({"older": older}) == {"older": None}
        assert where.press.result("it")["manifest"]["etag"] == newer["detail"]["object"]["etag"]
        assert where.seen() >= {"b", "b-bin"} and not where.seen() & {"a", "a-bin"}
        where.witness.settled()


class TestTheReaper:
    """What was removed three days ago comes back while the reaper is about to delete it."""

    @pytest.mark.parametrize("first", range(0, 30, 1 if SOAK else 5))
    def test_a_publish_names_again_what_is_condemned(self, first: int) -> None:
        for second in (0, *range(first, 110, 2 if SOAK else 21)):
            where = _condemned()
            event = where.upload("it", {"old0_1_all.deb": OLD["old0_1_all.deb"]})
            self._beside(where, event, first, second)
            assert "old0" in where.seen()

    @pytest.mark.parametrize("first", range(0, 30, 1 if SOAK else 5))
    def test_a_rollback_names_again_what_is_condemned(self, first: int) -> None:
        """It may be refused, as too far back; but it never names what goes."""
        for second in range(first, 110, 2 if SOAK else 21):
            where = _condemned()
            self._beside(where, where.operate("it", {"op": "rollback", "to": 2}), first, second)

    def _beside(self, where: Scene, event: dict[str, Any], first: int, second: int) -> None:
        world = where.world(turns=Script([("reaper", first), ("it", second), ("reaper", 10**6)]))
        done = world.run(
            {
                "reaper": lambda press: reap.run(press.services),
                "it": lambda press: press.publish(event),
            }
        )
        assert done["it"] in ("published", "rejected") and done["reaper"].keys
        assert not world.surprises
        where.witness.settled()


def _condemned() -> Scene:
    where = scene(removals=True)
    world = where.world()
    world.publish({"r": where.operate("r", {"op": "remove", "packages": ["old0"]})})
    where.press.clock.advance(3 * 86400)
    world.publish({"later": where.upload("later", fresh("later"))})
    where.press.clock.advance(3 * 86400)
    return Scene(where.press, removals=True)


def _two(a: dict[str, bytes], b: dict[str, bytes]) -> Scene:
    where = scene()
    where.upload("a", a)
    where.upload("b", b)
    return where


# Any number of publishers, anything going wrong


@dataclass(frozen=True)
class Play:
    """What the publishers do, and how badly it goes. Everything else follows from the seed."""

    kinds: tuple[str, ...]
    seed: int
    rate: float
    stay: float
    skew: bool


KINDS = ("fresh", "fresh", "same", "other", "again", "remove", "twice", "rollback")

plays = st.builds(
    Play,
    st.lists(st.sampled_from(KINDS), min_size=2, max_size=5).map(tuple),
    st.integers(0, 2**32),
    st.sampled_from((0.0, 0.0, 0.003, 0.02)),
    st.sampled_from((0.0, 0.5, 0.9, 0.97)),
    st.booleans(),
)


def _perform(play: Play) -> tuple[Scene, Any, dict[str, Any]]:
    """Starts all at once. `same` uploads what is published, `other` two contradicting batches,
    `again` delivers the first event once more."""
    where = scene(removals=any(kind in ("remove", "rollback") for kind in play.kinds))
    chance = random.Random(play.seed)
    jobs: dict[str, Callable[[Press], Any]] = {}

    def job(event: dict[str, Any], delay: float) -> Callable[[Press], Any]:
        def run(press: Press) -> Any:
            press.clock.sleep(delay)
            return press.publish(event)

        return run

    for number, kind in enumerate(play.kinds):
        for name, event in _events(where, kind, f"{kind}{number}"):
            jobs[name] = job(event, chance.choice((0, 0, 0, 1, 5, 20)))
    world = where.world(
        turns=Random(random.Random(play.seed + 1), play.stay),
        faults=Misfortune(random.Random(play.seed + 2), play.rate) if play.rate else no_faults,
        seed=play.seed + 3,
        skew={name: chance.uniform(-3600, 3600) for name in jobs} if play.skew else {},
    )
    return where, world, world.run(jobs)


def _events(where: Scene, kind: str, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    match kind:
        case "fresh":
            yield name, where.upload(name, fresh(name))
        case "twice":
            event = where.upload(name, fresh(name))
            yield name, event
            yield f"{name}-twice", event
        case "same":
            yield name, where.upload(name, {"old1_1_all.deb": OLD["old1_1_all.deb"]})
        case "other":
            for each in ("x", "y"):
                yield f"{name}{each}", where.upload(f"{name}{each}", fresh(name, note=each))
        case "again":
            first = next(iter(where.events.values()), None) or where.upload(name, fresh(name))
            yield name, first
        case "remove":
            operation = {"op": "remove", "packages": ["old0"]}
            yield name, where.operate(name, operation)
        case "rollback":
            yield name, where.operate(name, {"op": "rollback", "to": 2})


@settings(
    max_examples=300 * (SOAK or 1),
    derandomize=not SOAK,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(plays)
def test_any_interleaving_with_faults(play: Play) -> None:
    where, world, said = _perform(play)
    assert not world.surprises, play
    for name, status in said.items():
        batch = name.removesuffix("-twice")
        if status is None or batch not in where.runs:
            continue  # a repeat that found the answer, or an execution that died
        assert status == where.status(batch), (play, name)
        if not world.broken:
            assert status != "failed", (play, name)
        if batch.startswith(("fresh", "twice", "same")) and not world.broken:
            assert status == "published", (play, name)
    if not world.broken:
        for name, run in where.runs.items():
            assert where.witness.said(run) is not None, (play, name)
        if "rollback" not in "".join(play.kinds):
            assert {n for n in said if n.startswith("fresh")} <= where.seen(), play
        where.witness.settled()
    else:
        where.heal(world)


class TestManyAtOnce:
    @pytest.mark.parametrize("count", [12, 50])
    def test_batches_make_few_flips(self, count: int) -> None:
        """Steps in any order, as fifty Lambdas finish when they finish."""
        where = scene()
        for number in range(count):
            where.upload(f"b{number}", {f"p{number}_1_all.deb": deb(f"p{number}", "1")})
        calls = _counted(where.press)
        runs = [where.press.steps(event) for event in where.events.values()]
        where.press.interleave(runs, random.Random(count))
        packages = {identity.package for identity in where.press.packages()}
        assert packages >= {f"p{number}" for number in range(count)}
        results = [where.press.result(f"b{number}") for number in range(count)]
        assert {each["status"] for each in results} == {"published"}
        flips = len({each["generation"] for each in results})
        assert flips <= 5
        assert not where.press.store.keys("state/stable/queue/")
        # Told, not asking: one call to say how to be told, and then none; who is woken to lead, or
        # loses a race, merges again, which is some few a flip, however many wait.
        assert calls["open"] == calls["admit"] == count and calls["queue"] <= count + 2 * flips
        assert calls["merge"] <= count + 3 * flips, calls
        assert calls["finish"] <= 3 * flips, calls

    @pytest.mark.parametrize("seed", range(SOAK or 1))
    def test_twelve_at_once_call_by_call(self, seed: int) -> None:
        where = scene()
        for number in range(12):
            where.upload(f"b{number}", {f"p{number}_1_all.deb": deb(f"p{number}", "1")})
        world = where.world(turns=Random(random.Random(seed), 0.5), seed=seed)
        assert set(world.publish(where.events).values()) == {"published"}
        assert where.seen() >= {f"p{number}" for number in range(12)}
        assert where.witness.count <= 6 and not world.surprises
        where.witness.settled()

    def test_two_suites_do_not_wait_for_each_other(self) -> None:
        where = scene(small=False)
        other = where.press.upload("b", fresh("b"), suite="testing")
        mine = where.upload("a", fresh("a"))
        world = where.world(turns=Random(random.Random(5)))
        assert set(world.publish({"a": mine, "b": other}).values()) == {"published"}
        assert world.elapsed < 10
        assert len(where.press.packages(suite="testing")) == 2


def _counted(press: Press) -> Counter[str]:
    """The calls of each function, from here on."""
    calls: Counter[str] = Counter()
    functions = press.functions()

    def counting(name: str) -> Callable[[dict[str, Any]], Any]:
        def call(payload: dict[str, Any]) -> Any:
            calls[name] += 1
            return functions[name](payload)

        return call

    press.functions = lambda: {name: counting(name) for name in functions}  # type: ignore[method-assign]
    return calls


class TestDeadExecutions:
    """An execution that ends with no word, not even by its Catch: somebody stopped it."""

    @pytest.mark.parametrize("k", range(1, 40, 1 if SOAK else 2))
    def test_the_next_publishes_take_up_what_was_left(self, k: int) -> None:
        where = scene()
        event = where.upload("dead", fresh("dead"))
        fault = At(k, Fault.KILL_AFTER)
        world = where.world(faults=fault, tries=1)

        def dies(press: Press) -> Any:
            press._finish = lambda given: {"status": None}  # type: ignore[method-assign]
            return press.publish(event)

        world.run({"dead": dies})
        where.heal(world)
        waited = fault.struck is not None and f"queue/{where.runs['dead']}" in "".join(
            call.key for call in world.calls[: world.calls.index(fault.struck) + 1]
        )
        if waited:
            assert where.status("dead") == "published" and "dead" in where.seen()
        for flip in where.witness.flips:
            assert from_iso(flip.record.date) == flip.release.date

    @pytest.mark.parametrize("first", range(0, 30, 1 if SOAK else 5))
    def test_what_waits_for_days_is_not_reaped(self, first: int) -> None:
        """It was queued, and its execution stopped; then the reaper, and who publishes next."""
        where = waiting_for_days()
        event = where.upload("it", fresh("it"))
        world = where.world(turns=Script([("reaper", first), ("it", 10**6), ("reaper", 10**6)]))
        reaper = {"reaper": lambda press: reap.run(press.services)}
        world.run(reaper)
        done = world.run({**reaper, "it": lambda press: press.publish(event)})
        assert done["it"] == "published" and not world.surprises, f"surprised: {world.surprises}"
        assert where.status("dead") == "published" and where.seen() >= {"dead", "it"}
        where.witness.settled()

    def test_what_is_gone_all_the_same_breaks_nobody_else(self) -> None:
        """And its CI is told what to do."""
        where = waiting_for_days()
        where.press.store.delete(*where.press.store.keys("apt/pool/main/d/dead/"))
        world = where.world()
        assert world.publish({"it": where.upload("it", fresh("it"))}) == {"it": "published"}
        assert not world.surprises, f"surprised: {world.surprises}"
        (error,) = where.press.result("dead")["errors"]
        assert (error["file"], error["code"]) == ("dead_1_all.deb", "file-missing")
        assert where.seen() >= {"it"} and not where.seen() & {"dead", "dead-bin"}
        where.witness.settled()


def waiting_for_days() -> Scene:
    where = scene()
    where.upload("dead", {"dead_1_all.deb": fresh("dead")["dead_1_all.deb"]})
    queued(where, "dead")
    where.press.clock.advance(5 * 86400)
    return where
