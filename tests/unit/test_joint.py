"""One batch for several suites: all of them or none, whatever fails and whoever comes in between.

A witness looks at each suite after each write, and one more at both: what a result says of the
batch must be so in every suite at that moment.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from debpress import config
from debpress.archive import objects
from debpress.archive.runs import Runs
from debpress.steps.answers import Answers
from debpress.store import ObjectHeaders
from debpress.suite import joint, merge

from tests.support.clock import FakeClock
from tests.support.faults import At, Call, Fault, Script, World, no_faults
from tests.support.memory_store import Snapshot
from tests.support.press import Press, deb
from tests.support.scenes import OLD, fresh, signers
from tests.support.witness import Violation, Witness
from tests.unit.test_guards import Patch, noticed

SOAK = int(os.environ.get("DEBPRESS_SOAK", "0"))

SUITES = ("stable", "testing", "later")
DESCRIBED = {
    "suites": [{"suite": name, "architectures": ["amd64"]} for name in SUITES],
    "uploaders": [
        {"name": "ci", "packages": ["*"], "publishes": [f"{name}/main" for name in SUITES]}
    ],
}


@dataclass
class Both:
    """A press of several suites; `it` is the batch for some of them."""

    press: Press
    suites: tuple[str, ...] = SUITES[:2]
    said: list[str] = field(default_factory=list)
    witnesses: dict[str, Witness] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.witnesses = {s: Witness(self.press, s, removals=True) for s in self.suites}

    def joint(
        self, files: Mapping[str, bytes], name: str = "ci.it", suites: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        named = suites or self.suites
        event = self.press.upload(name, files, suite=named[0], manifest=_manifest(files, named))
        first, *others = (self.witnesses[each] for each in named if each in self.witnesses)
        run = first.expect(event, files)
        for other in others:
            other.uploads[run] = first.uploads[run]
        return event

    def upload(self, name: str, files: Mapping[str, bytes], suite: str) -> dict[str, Any]:
        event = self.press.upload(f"ci.{name}", files, suite=suite)
        if suite in self.witnesses:
            self.witnesses[suite].expect(event, files)
        return event

    def world(self, **settings: Any) -> World:
        return World(self.press, wrote=self.wrote, **settings)

    def wrote(self, call: Call) -> None:
        for witness in self.witnesses.values():
            witness.wrote(call)
        if call.key.endswith("/ci.it.json"):
            self._hear(json.loads(self.press.store.body(call.key)))

    def _hear(self, result: Mapping[str, Any]) -> None:
        self.said.append(result["status"])
        have = [suite for suite in self.suites if self.shows(suite)]
        if result["status"] == "published":
            if have != list(self.suites) or have != [s["suite"] for s in result["suites"]]:
                raise Violation(f"said to be published, and {have} have it: {result}")
            for each in result["suites"]:
                assert self._taken_by(each["suite"]) == each["generation"]
        elif result["status"] == "rejected" and have:
            raise Violation(f"said to be rejected, and {have} have it")

    def _taken_by(self, suite: str) -> int:
        [found] = {
            flip.record.number
            for flip in self.witnesses[suite].flips
            for each in flip.record.batches
            if each.batch.id == "ci.it" and each.kinds == ("batch",)
        }
        return found

    def shows(self, suite: str) -> bool:
        """Whether the suite has all of the batch; that none has a part of it, `settled` sees."""
        return self.part(suite) == _SUMS

    def part(self, suite: str, sums: frozenset[str] | None = None) -> frozenset[str]:
        live = self.witnesses[suite].flips[-1]
        return (sums or _SUMS) & {sha256 for _, sha256 in live.seen.values()}

    def settled(self, status: str) -> None:
        """All of it is over: the same in every suite, and told so."""
        for witness in self.witnesses.values():
            witness.settled()
        expected = _SUMS if status == "published" else set()
        assert [self.part(suite) for suite in self.suites] == [expected] * len(self.suites)
        assert self.press.result("ci.it")["status"] == status

    def heal(self, world: World) -> None:
        """Hours go by, and others publish in each of the suites, several times."""
        world.faults = no_faults
        for number in range(3):
            for suite in self.suites:
                self.press.clock.advance(2 * 3600)
                name = f"heal{number}"
                event = self.upload(name, {f"{name}_1_all.deb": deb(name, "1")}, suite)
                assert world.publish({name: event}) == {name: "published"}


@functools.cache
def _template() -> tuple[Snapshot, float]:
    press = Press(signers(), repository=config.parse(DESCRIBED))
    press.set_up()
    press.clock.sleep(60)
    for suite in SUITES[:2]:
        press.publish(press.upload("ci.old", OLD, suite=suite))
    press.clock.sleep(600)
    return press.store.snapshot(), (press.clock.now() - FakeClock().now()).total_seconds()


def both(suites: tuple[str, ...] = SUITES[:2]) -> Both:
    snapshot, seconds = _template()
    press = Press(signers(), repository=config.parse(DESCRIBED))
    press.store.restore(snapshot)
    press.clock.advance(seconds)
    return Both(press, suites)


def _manifest(files: Mapping[str, bytes], suites: Any) -> dict[str, Any]:
    listed = [{"name": n, "sha256": hashlib.sha256(b).hexdigest()} for n, b in files.items()]
    return {"version": 1, "suites": suites, "files": listed}


OTHER = fresh("it", note="other")
_SUMS = frozenset(hashlib.sha256(body).hexdigest() for body in fresh("it").values())
_OTHER_SUMS = frozenset(hashlib.sha256(body).hexdigest() for body in OTHER.values())


def interfered(where: Both, event: Mapping[str, Any]) -> Callable[[Press], Any]:
    """The batch, and other bytes of it that come into the second suite when the first has
    flipped."""

    def job(press: Press) -> Any:
        beside = where.upload("beside", OTHER, where.suites[-1])
        said = None
        for each in press.steps(event):
            said = each
            if where.shows(where.suites[0]) and beside:
                assert where.press.publish(beside) == "published"
                where.witnesses[where.suites[-1]]._look()
                beside = {}
        return said

    return job


class TestOneForSeveral:
    @pytest.mark.parametrize("suites", [SUITES[:2], SUITES])
    def test_all_of_them_have_it_and_one_result_names_each(self, suites: Any) -> None:
        where = both(suites)
        world = where.world()
        assert world.publish({"it": where.joint(fresh("it"))}) == {"it": "published"}
        assert not world.surprises and where.said == ["published"]
        where.settled("published")
        assert len([k for k in where.press.store.keys("apt/pool/") if "/it_" in k]) == 1
        result = where.press.result("ci.it")
        assert [each["suite"] for each in result["suites"]] == list(suites)
        assert result["generation"] == result["suites"][0]["generation"]
        assert {p["action"] for p in result["packages"]} == {"added"}
        dates = [each["release_date"] for each in result["suites"]]
        assert dates == sorted(dates)

    def test_the_same_again_changes_nothing_but_the_dates(self) -> None:
        where = both()
        world = where.world()
        event = where.joint(fresh("it"))
        assert world.publish({"it": event}) == {"it": "published"}
        assert world.publish({"again": event}) == {"again": None}
        where.press.clock.advance(3600)
        assert world.publish({"anew": where.joint(fresh("it"), "ci.anew")}) == {"anew": "published"}
        assert {p["action"] for p in where.press.result("ci.anew")["packages"]} == {"unchanged"}
        where.settled("published")

    def test_refused_whole_where_one_would_refuse(self) -> None:
        where = both()
        world = where.world()
        assert world.publish({"x": where.upload("x", OTHER, "testing")}) == {"x": "published"}
        assert world.publish({"it": where.joint(fresh("it"))}) == {"it": "rejected"}
        errors = where.press.result("ci.it")["errors"]
        assert {each["code"] for each in errors} == {"version-reused"}
        assert all(each["message"].startswith("in testing: ") for each in errors)
        assert where.witnesses["stable"].count == 1  # Its refusal, in which nothing changes.
        where.settled("rejected")

    def test_of_very_many_refusals_some_are_kept(self, monkeypatch: Patch) -> None:
        monkeypatch.setattr(merge, "_MOST_ERRORS", 1)
        where = both()
        world = where.world()
        assert world.publish({"x": where.upload("x", OTHER, "testing")}) == {"x": "published"}
        assert world.publish({"it": where.joint(fresh("it"))}) == {"it": "rejected"}
        first, rest = where.press.result("ci.it")["errors"]
        assert first["code"] == "version-reused" and rest["message"].startswith("and 1 more error")

    def test_a_suite_that_is_broken_holds_up_no_other(self) -> None:
        """It is refused, and who publishes beside it in the first suite is not."""
        where = both()
        listed = where.press.release("testing").files["main/binary-amd64/Packages.xz"]
        name = "main/binary-amd64/Packages"
        where.press.store.delete(
            where.press.repository.layout.by_hash("testing", name, listed.sha256)
        )
        waiting = where.press.steps(where.joint(fresh("it")))
        for _ in range(2):
            next(waiting)
        assert where.press.publish(where.upload("x", fresh("x"), "stable")) == "published"
        assert [*waiting][-1] == "rejected"
        [error] = where.press.result("ci.it")["errors"]
        assert error["code"] == "internal" and error["message"].startswith("in testing: ")

    def test_nor_does_one_whose_inrelease_is_none(self) -> None:
        where = both()
        waiting = where.press.steps(where.joint(fresh("it")))
        for _ in range(2):
            next(waiting)
        where.press.store.put("apt/dists/testing/InRelease", b"what somebody copied there")
        assert where.press.publish(where.upload("x", fresh("x"), "stable")) == "published"

    def test_a_refusal_in_the_middle_is_taken_back(self) -> None:
        where = both(SUITES)
        event = where.joint(fresh("it"))
        world = where.world()
        said = world.run({"it": interfered(where, event)})
        assert said == {"it": "rejected"} and not world.surprises
        result = where.press.result("ci.it")
        assert {each["code"] for each in result["errors"]} == {"version-reused"}
        assert "stable, testing had it for a moment" in result["errors"][0]["message"]
        assert result["suites"] == []
        for suite in SUITES[:2]:
            live = where.witnesses[suite].flips[-1]
            assert live.record.cause == "withdraw" and {i.package for _, i in live.seen} >= {"old0"}
        assert not any(where.shows(suite) for suite in SUITES[:2])

    def test_the_first_suite_may_have_it_already(self) -> None:
        first_suite_has_it()

    def test_what_a_suite_had_before_it_keeps(self) -> None:
        where = both(SUITES)
        first = where.world()
        part = {n: b for n, b in fresh("it").items() if n.startswith("it-bin")}
        assert first.publish({"x": where.upload("x", part, "stable")}) == {"x": "published"}
        event = where.joint(fresh("it"))
        assert where.world().run({"it": interfered(where, event)}) == {"it": "rejected"}
        assert "it-bin" in {i.package for _, i in where.witnesses["stable"].flips[-1].seen}


class TestManifest:
    @pytest.mark.parametrize(
        ("suites", "batch", "code"),
        [
            (["testing", "stable"], "ci.it", "manifest-field"),
            (["stable", "stable"], "ci.it", "manifest-field"),
            ([], "ci.it", "manifest-field"),
            ("stable", "ci.it", "manifest-field"),
            (["stable", "Testing"], "ci.it", "manifest-field"),
            (["stable", *(f"s{n}" for n in range(8))], "ci.it", "manifest-field"),
            (["stable", "nowhere"], "ci.it", "suite-unknown"),
            (["stable", "testing"], "it", "uploader-unknown"),
        ],
    )
    def test_a_fault_is_refused(self, suites: Any, batch: str, code: str) -> None:
        where = both()
        files = fresh("it")
        started = where.press.upload(batch, files, manifest=_manifest(files, suites))
        assert where.press.publish(started) == "rejected"
        assert code in {each["code"] for each in where.press.result(batch)["errors"]}

    def test_of_far_too_many_suites_none_is_looked_at(self) -> None:
        where = both()
        files, suites = fresh("it"), ["stable", *(f"s{n}" for n in range(1000))]
        started = where.press.upload("ci.it", files, manifest=_manifest(files, suites))
        assert where.press.publish(started) == "rejected"
        [error] = where.press.result("ci.it")["errors"]
        assert error["message"] == "names 1001 suites, the most is 8; make several batches"

    def test_without_uploaders_there_is_none(self) -> None:
        """The key is all that tells where a role may publish, and it names the first suite."""
        where = both()
        where.press.repository = config.parse({"suites": DESCRIBED["suites"]})
        assert where.press.publish(where.joint(fresh("it"))) == "rejected"
        [first, *_] = where.press.result("ci.it")["errors"]
        assert first["code"] == "uploader-unknown"

    def test_suites_that_ask_otherwise_where_it_is_from_make_no_batch(self) -> None:
        where = both()
        policy = {"repository": "o/r", "workflow": "w.yml", "ref": "refs/heads/main"}
        first, second, *others = DESCRIBED["suites"]
        suites = [first, {**second, "provenance": policy}, *others]
        where.press.repository = config.parse({**DESCRIBED, "suites": suites})
        assert where.press.publish(where.joint(fresh("it"))) == "rejected"
        [error] = where.press.result("ci.it")["errors"]
        assert error["code"] == "manifest-field" and "testing asks otherwise" in error["message"]

    def test_every_suite_s_architectures_are_asked(self) -> None:
        where = both()
        where.press.repository = config.parse(
            {
                **DESCRIBED,
                "suites": [
                    {"suite": "stable", "architectures": ["amd64", "arm64"]},
                    *DESCRIBED["suites"][1:],
                ],
            }
        )
        files = {"it_1_arm64.deb": deb("it", "1", "arm64")}
        manifest = _manifest(files, ["stable", "testing"])
        started = where.press.upload("ci.it", files, manifest=manifest)
        assert where.press.publish(started) == "rejected"
        [error] = where.press.result("ci.it")["errors"]
        assert error["code"] == "architecture-unknown" and "testing" in error["message"]


class TestDamageElsewhere:
    """What is wrong with another suite is no reason to leave batches of this one unanswered."""

    @pytest.mark.parametrize("along", [False, True])
    def test_who_publishes_beside_one_that_cant_go_on_is_answered(self, along: bool) -> None:
        """`along`: by the very flip that takes it along; and always by the later ones, which find
        it unanswered. When the other suite is mended, it goes on."""
        where = both()
        world = where.world(tries=2)
        key = where.press.repository.layout.inrelease("testing")
        whole = where.press.store.get(key)
        assert whole is not None

        def damages(event: Any, press: Press) -> Any:
            said = None
            for each in press.steps(event):
                said = each
                if where.shows("stable"):
                    where.press.store.put(key, b"damaged")
            return said

        event = where.joint(fresh("it"))
        if along:  # Merged, and then its execution is dead.
            list(itertools.islice(where.press.steps(event), 3))
            where.press.clock.advance(600)
            beside = where.upload("beside", fresh("beside"), "stable")
            job = functools.partial(damages, beside)
            assert world.run({"beside": job}) == {"beside": "published"}
        else:
            assert world.run({"it": functools.partial(damages, event)}) == {"it": None}
        for name in ("x", "y"):
            where.press.clock.advance(2 * 3600)
            started = where.upload(name, fresh(name), "stable")
            assert world.publish({name: started}) == {name: "published"}
        assert [k for k in where.press.store.keys("state/stable/queue/") if "ci.it" in k]
        headers = ObjectHeaders(metadata=whole.head.metadata)
        where.press.store.put(key, whole.body, headers)
        where.heal(world)
        where.settled("published")


def _without(suite: str) -> config.Repository:
    suites = [each for each in DESCRIBED["suites"] if each["suite"] != suite]
    publishes = [f"{each['suite']}/main" for each in suites]
    uploaders = [{**DESCRIBED["uploaders"][0], "publishes": publishes}]
    return config.parse({"suites": suites, "uploaders": uploaders})


def removed_on_the_way(where: Both, event: Any, moment: Callable[[], Any]) -> Any:
    """The batch's workflow; at a moment `testing` is removed from the configuration."""

    def job(press: Press) -> Any:
        said, gone = None, False
        for each in press.steps(event):
            said = each
            if not gone and moment():
                gone = True
                press.repository = where.press.repository = _without("testing")
        return said

    return World(where.press, tries=2).run({"it": job})["it"]


class TestARemovedSuite:
    """It flips no more, so what waits for it would wait for ever."""

    @pytest.mark.parametrize("suites", [SUITES[:2], SUITES])
    @pytest.mark.parametrize("handed_on", [False, True])
    def test_before_its_turn_the_batch_turns_around(self, suites: Any, handed_on: bool) -> None:
        where = both(suites)

        def queue(suite: str) -> Sequence[str]:
            return where.press.store.keys(f"state/{suite}/queue/")

        def moment() -> bool:
            if handed_on:
                return bool(queue("testing"))
            return "it" in _names(where, "stable")

        event = where.joint(fresh("it"))
        assert removed_on_the_way(where, event, moment) == "rejected"
        result = where.press.result("ci.it")
        [error] = result["errors"]
        assert error["code"] == "suite-unknown" and error["message"].startswith("in testing: ")
        assert not any("it" in _names(where, suite) for suite in suites)
        assert not any(queue(suite) for suite in suites)
        # Nobody hands it on once more, though it is configured again.
        where.press.repository = config.parse(DESCRIBED)
        [run] = where.witnesses["stable"].uploads
        chain = where.press.archive.suite("stable")
        newest = where.press.archive.published("stable")
        assert newest is not None
        took = next(g for g in chain.chain(newest.generation, None) if run in g.decided)
        where.press.finish("stable", run, "published", generation=took.id)
        assert not queue("testing")

    @pytest.mark.parametrize("turned", [False, True])
    def test_what_goes_back_passes_it_over(self, turned: bool) -> None:
        """`turned`: its entry stands in the queue of the removed suite when that is removed."""
        where = both(SUITES)
        beside = where.upload("beside", OTHER, "later")

        def moment() -> bool:
            nonlocal beside
            if beside and "it" in _names(where, "stable"):
                assert where.press.publish(beside) == "published"
                beside = {}
            undo = [k for k in where.press.store.keys("state/testing/queue/") if ".undo" in k]
            return bool(undo) if turned else "it" in _names(where, "testing")

        assert removed_on_the_way(where, where.joint(fresh("it")), moment) == "rejected"
        assert where.press.result("ci.it")["status"] == "rejected"
        assert "it" not in _names(where, "stable")
        assert "it" in _names(where, "testing")  # As it was left, and as docs/protocol.md says.
        assert not [k for s in SUITES for k in where.press.store.keys(f"state/{s}/queue/")]


class TestTheSameBesideIt:
    """Between a suite's flip to a batch and its taking out again, others bring the same package."""

    @pytest.mark.parametrize("refused", [False, True])
    def test_what_another_was_told_to_have_stays_as_long_as_that_has_it(
        self, refused: bool
    ) -> None:
        """`refused`: that other one is refused as well, later, by `later`."""
        where = both()
        event = where.joint(fresh("it"))
        other = where.joint(fresh("it"), "ci.two", ("stable", "later"))
        waiting: Any = None
        for _ in where.press.steps(event):
            if waiting or "it" not in _names(where, "stable"):
                continue
            beside = where.upload("beside", OTHER, "testing")
            assert where.press.publish(beside) == "published"
            waiting = where.press.steps(other)
            for _ in waiting:  # To where it has flipped in the first.
                live = where.press.archive.suite("stable").committed()
                if live and "ci.two" in {each.batch.id for each in live.batches}:
                    break
        assert where.press.result("ci.it")["status"] == "rejected"
        assert "it" in _names(where, "stable")
        if refused:
            third = where.upload("third", OTHER, "later")
            assert where.press.publish(third) == "published"
        assert [*waiting][-1] == ("rejected" if refused else "published")
        result = where.press.result("ci.two")
        assert [s["suite"] for s in result["suites"]] == ([] if refused else ["stable", "later"])
        assert ("it" in _names(where, "stable")) == (not refused)


JOBS: dict[str, Callable[[Both, Any], Callable[[Press], Any]]] = {
    "published": lambda where, event: lambda press: press.publish(event),
    "rejected": interfered,
}


def _writes(status: str) -> int:
    where = both()
    event = where.joint(fresh("it"))
    world = where.world()
    world.run({"it": JOBS[status](where, event)})
    return sum(call.writes for call in world.calls)


def dies_and_others_come(k: int, status: str = "published") -> None:
    """From its k-th write on, all calls of an execution fail. Others come hours later."""
    where = both()
    event = where.joint(fresh("it"))
    world = where.world(faults=Dead(k), tries=2)
    said = world.run({"it": JOBS[status](where, event)})["it"]
    assert said in (None, "failed", status), (k, said)
    where.heal(world)
    have = [suite for suite in where.suites if where.shows(suite)]
    assert have in ([], list(where.suites)), f"only {have} have it, {k}"
    for witness in where.witnesses.values():
        witness.settled()


def handed_on_late(_: int = 0) -> None:
    """Of a batch that both suites have had, and an operator has taken out of the second, the first
    suite's answer is given again."""
    where = both()
    event = where.joint(fresh("it"))
    world = where.world()
    assert world.publish({"it": event}) == {"it": "published"}
    [run] = where.witnesses["stable"].uploads
    generation = next(
        f.generation for f in where.witnesses["stable"].flips if run in f.record.decided
    )
    removal = where.press.operate("o1", {"op": "remove", "packages": ["it"]}, suite="testing")
    assert world.publish({"remove": removal}) == {"remove": "published"}
    where.press.finish("stable", run, "published", generation=generation)
    where.heal(world)
    assert "it" not in _names(where, "testing"), "what was removed came back"


def first_suite_has_it(_: int = 0) -> None:
    where = both()
    world = where.world()
    files = fresh("it")
    assert world.publish({"x": where.upload("x", files, "stable")}) == {"x": "published"}
    assert world.publish({"it": where.joint(files)}) == {"it": "published"}
    where.settled("published")


class TestFaults:
    @pytest.mark.parametrize("status", JOBS)
    def test_killed_at_every_write(self, status: str) -> None:
        """Before the write and after it; the state machine tries the step again."""
        count = _writes(status)
        assert count > 25
        for k, fault in itertools.product(
            range(1, count + 1), (Fault.KILL_BEFORE, Fault.KILL_AFTER)
        ):
            if not SOAK and (k + (fault is Fault.KILL_AFTER)) % 2:
                continue
            where = both()
            event = where.joint(fresh("it"))
            world = where.world(faults=At(k, fault))
            assert world.run({"it": JOBS[status](where, event)}) == {"it": status}, (k, fault)
            where.settled(status)

    @pytest.mark.parametrize("status", JOBS)
    def test_an_execution_that_dies_anywhere_is_completed_by_others(self, status: str) -> None:
        """From one write on, all of its calls fail, and nobody is told. Others come hours later."""
        step = 1 if SOAK else 3
        for k in range(1, _writes(status) + 1, step):
            dies_and_others_come(k, status)

    @pytest.mark.parametrize("status", JOBS)
    def test_a_redrive_completes_it(self, status: str) -> None:
        """The same, and then the event comes again, as it does by a redrive."""
        for k in range(2, _writes(status) + 1, 1 if SOAK else 5):
            where = both()
            event = where.joint(fresh("it"))
            world = where.world(faults=Dead(k), tries=2)
            world.run({"it": JOBS[status](where, event)})
            world.faults = no_faults
            where.press.clock.advance(600)
            world.publish({"again": event})
            told = where.press.result("ci.it")["status"]
            assert told in ("published", "rejected"), k
            where.heal(world)  # The plain names may be late until somebody publishes.
            where.settled(told)


@pytest.mark.parametrize("calls", range(10))
def test_one_that_fails_takes_back_no_answer(calls: int) -> None:
    """After so many calls of its `finish`, a set-up's flip decides the taking out, and answers;
    what was told then stands."""
    where = both()
    event = where.joint(fresh("it"))
    [run] = where.witnesses["stable"].uploads
    undo, beside = joint.undoing(run), where.upload("beside", OTHER, "testing")

    def until_it_turns(press: Press) -> None:
        for _ in press.steps(event):
            if where.shows("stable") and not where.witnesses["testing"].count:
                assert where.press.publish(beside) == "published"
                where.witnesses["testing"]._look()
            if where.press.store.keys(f"state/stable/queue/{undo}"):
                return

    where.world().run({"it": until_it_turns})
    world = where.world(turns=Script([("it", calls), ("set-up", 10**6)]))
    said = world.run(
        {
            "it": lambda press: press.finish("stable", undo, "failed", error={"Error": "E"}),
            "set-up": lambda press: [*press.flip("stable")],
        }
    )
    assert said["it"] in ("rejected", where.said[0]) and where.said[-1] == "rejected"
    where.settled("rejected")


@dataclass
class Dead:
    """From its k-th write on, every call fails."""

    k: int
    seen: int = 0

    def __call__(self, call: Call) -> Fault | None:
        self.seen += call.writes and call.worker == "it"
        return Fault.KILL_BEFORE if self.seen >= self.k and call.worker == "it" else None


class TestTogether:
    @pytest.mark.parametrize("first", range(0, 150, 1 if SOAK else 15))
    def test_another_batch_at_every_moment(self, first: int) -> None:
        """It comes into the second suite, with other bytes: either is refused, and nothing is
        half."""
        where = both()
        event = where.joint(fresh("it"))
        beside = where.upload("beside", OTHER, "testing")
        world = where.world(turns=Script([("it", first), ("beside", 10**6)]))
        said = world.publish({"it": event, "beside": beside})
        assert sorted(map(str, said.values())) == ["published", "rejected"], said
        told = where.press.result("ci.it")["status"]
        shown = {i for _, i in where.witnesses["stable"].flips[-1].seen if i.package == "it"}
        assert bool(shown) == (told == "published")
        assert not world.surprises
        for witness in where.witnesses.values():
            witness.settled()

    @pytest.mark.parametrize("first", range(0, 150, 1 if SOAK else 15))
    def test_two_that_contradict_each_other_in_opposite_orders(self, first: int) -> None:
        """Each may find the other in its second suite, and go back: then neither is left."""
        for second in range(0, 150, 7 if SOAK else 50):
            where = both()
            mine, theirs = SUITES[:2], SUITES[1::-1]
            events = {
                "it": where.joint(fresh("it"), suites=mine),
                "rev": where.joint(OTHER, "ci.rev", suites=theirs),
            }
            world = where.world(turns=Script([("it", first), ("rev", second)]))
            said = world.publish(events)
            assert sorted(said.values())[-1] == "rejected" and not world.surprises
            for name, sums in (("it", _SUMS), ("rev", _OTHER_SUMS)):
                expected = sums if said[name] == "published" else set()
                assert [where.part(suite, sums) for suite in mine] == [expected] * 2
            for witness in where.witnesses.values():
                witness.settled()

    @pytest.mark.parametrize("seed", range(4 * (SOAK or 1)))
    def test_several_at_once_and_one_event_twice(self, seed: int) -> None:
        where = both()
        event = where.joint(fresh("it"))
        again = where.joint(fresh("more"), "ci.more")
        alone = [where.upload(f"s{n}", fresh(f"s{n}"), SUITES[n]) for n in range(2)]
        steps = [where.press.steps(each) for each in (event, event, again, *alone)]
        where.press.interleave(steps, random.Random(seed))
        assert not [k for s in where.suites for k in where.press.store.keys(f"state/{s}/queue/")]
        assert where.press.result("ci.it")["status"] == "published"
        assert [len(_names(where, suite)) for suite in where.suites] == [9, 9]


def _names(where: Both, suite: str) -> set[str]:
    return {identity.package for identity in where.press.packages(suite=suite)}


class TestEachGuardIsNeeded:
    """Without it, one of the plays above sees something go wrong; the number is that of the
    interleaving in docs/protocol.md."""

    def test_46_without_a_flip_of_its_own_a_decision_is_lost(self, monkeypatch: Patch) -> None:
        monkeypatch.setattr(merge._Merge, "_must_flip", lambda *_: False)
        noticed(first_suite_has_it, [0], "said to be published, and ['stable'] have it")

    def test_47_deleted_before_it_is_handed_on_it_is_lost(self, monkeypatch: Patch) -> None:
        inner = Answers._joint

        def hasty(answers: Answers, record: Any, outcome: Any, joint: Any) -> Any:
            answers._runs.dequeue(outcome.run)
            return inner(answers, record, outcome, joint)

        monkeypatch.setattr(Answers, "_joint", hasty)
        noticed(dies_and_others_come, range(8, 24), "only ['stable'] have it")

    def test_48_with_a_later_base_what_was_removed_comes_back(self, monkeypatch: Patch) -> None:
        def anew(runs: Runs, plan: Any) -> Any:
            objects.keep(runs._store, runs._note(plan.run, "plan.json"), plan)
            return plan

        handed_on_late()
        monkeypatch.setattr(Runs, "find_plan", lambda *_: None)
        monkeypatch.setattr(Runs, "keep_plan", anew)
        noticed(handed_on_late, [0], "second time")

    def test_49_if_a_failure_gives_its_place_up_half_of_it_stays(self, monkeypatch: Patch) -> None:
        inner = Answers.stuck

        def gives_up(answers: Answers, plan: Any, joint: Any) -> str:
            answers._runs.dequeue(plan.run)
            return inner(answers, plan, joint)

        where = both()
        broken = FailsIn("testing")
        world = where.world(faults=broken, tries=2)
        assert world.publish({"it": where.joint(fresh("it"))}) == {"it": "failed"}
        assert [s["suite"] for s in where.press.result("ci.it")["suites"]] == ["stable"]
        where.heal(world)
        where.settled("published")
        monkeypatch.setattr(Answers, "stuck", gives_up)

        def play(_: int) -> None:
            where = both()
            world = where.world(faults=FailsIn("testing"), tries=2)
            world.publish({"it": where.joint(fresh("it"))})
            where.heal(world)
            where.settled("published")

        noticed(play, [0], "is published; its result says failed")


@dataclass
class FailsIn:
    """A suite's index can't be written."""

    suite: str

    def __call__(self, call: Call) -> Fault | None:
        hit = call.writes and f"dists/{self.suite}/" in call.key and "by-hash" in call.key
        return Fault.ERROR_BEFORE if hit else None
