"""One content for one version, for ever (law 4): whatever was removed, pruned, rolled back or
copied in between, and whichever of `all` and an architecture came first."""

from __future__ import annotations

import itertools
import json
import random
from functools import partial
from typing import Any, Unpack

import pytest
from debpress.archive.gone import GoneArchive
from debpress.index import versions
from debpress.inspection.history import history
from debpress.records.gone import GonePackage, GoneVersion
from debpress.steps import reap
from debpress.suite import batch

from tests.support.faults import At, Fault, Script
from tests.support.press import Place, Press, deb, debs
from tests.support.scenes import WITHDRAW, Scene, fresh, queued, scene

PRUNE = {"op": "prune"}
_names = itertools.count()


def publish(press: Press, body: bytes, **where: Unpack[Place]) -> dict[str, Any]:
    """Uploads one package in a batch of its own; its result."""
    name = f"b{next(_names)}"
    press.publish(press.upload(name, {"it.deb": body}, **where))
    return press.result(name, **where)


def operate(press: Press, *operations: dict[str, Any], suite: str = "stable") -> dict[str, Any]:
    name = f"o{next(_names)}"
    press.publish(press.operate(name, *operations, suite=suite))
    return press.result(name, suite)


def remove(*packages: str) -> dict[str, Any]:
    return {"op": "remove", "packages": list(packages)}


def forget(*packages: str) -> dict[str, Any]:
    return {"op": "forget", "packages": list(packages)}


def copy(*packages: str) -> dict[str, Any]:
    source = {"suite": "testing", "component": "main"}
    return {"op": "copy", "from": source, "packages": list(packages)}


def said(result: dict[str, Any]) -> tuple[str, list[str]]:
    """The status, and what was done or the codes of what was wrong."""
    done = [package["action"] for package in result["packages"]]
    return result["status"], done or [error["code"] for error in result["errors"]]


ADDED, UNCHANGED = ("published", ["added"]), ("published", ["unchanged"])
FORGOTTEN, REUSED = ("published", ["forgotten"]), ("rejected", ["version-reused"])


def other(package: str = "a", version: str = "1", architecture: str = "all") -> bytes:
    return deb(package, version, architecture, note="other")


def note(press: Press, package: str = "a") -> dict[str, Any]:
    (key,) = press.store.keys(f"state/stable/gone/{package}/")
    return dict(json.loads(press.store.body(key)))


class TestWhatIsGone:
    def test_never_comes_again_with_other_bytes(self, press: Press) -> None:
        first = publish(press, deb("a", "1"))["packages"][0]["sha256"]
        removed = operate(press, remove("a"))
        result = publish(press, other())
        assert said(result) == REUSED
        message = result["errors"][0]["message"]
        assert f"until generation {removed['generation']} of {removed['release_date']}" in message
        assert message.count(first) == 1 and "this file has" in message
        assert press.packages() == set()

    def test_may_come_again_as_it_was(self, press: Press) -> None:
        publish(press, deb("a", "1"))
        for _ in range(2):
            operate(press, remove("a"))
            assert said(publish(press, other())) == REUSED
            assert said(publish(press, deb("a", "1"))) == ADDED
        assert said(publish(press, deb("a", "1"))) == UNCHANGED
        assert said(publish(press, other())) == REUSED

    def test_also_after_a_prune(self, press: Press) -> None:
        press.configure(keep=1, prune_share=1)
        for version in "123":
            publish(press, deb("a", version))
        operate(press, PRUNE)
        assert said(publish(press, other())) == REUSED
        assert said(publish(press, other(version="2"))) == REUSED
        assert said(publish(press, deb("a", "1"))) == ADDED

    @pytest.mark.parametrize("spelled", ["1.0", "0:1.0", "1.00-0"])
    def test_however_it_is_spelled_and_in_whichever_component(
        self, press: Press, spelled: str
    ) -> None:
        publish(press, deb("a", "1.0"))
        operate(press, remove("a"))
        assert said(publish(press, other(version=spelled), component="extra")) == REUSED

    def test_is_of_its_own_suite_alone(self, press: Press) -> None:
        publish(press, deb("a", "1"), suite="testing")
        operate(press, remove("a"), suite="testing")
        assert said(publish(press, other())) == ADDED

    def test_is_not_copied_either(self, press: Press) -> None:
        publish(press, deb("a", "1"))
        operate(press, remove("a"))
        publish(press, other(), suite="testing")
        publish(press, deb("b", "1"), suite="testing")
        assert said(operate(press, copy("a"))) == REUSED
        assert said(operate(press, copy("b", "a"))) == REUSED
        assert press.packages() == set()
        press.configure()
        operate(press, remove("a"), forget("a (= 1)"), suite="testing")
        assert said(publish(press, deb("a", "1"), suite="testing")) == ADDED
        assert said(operate(press, copy("a"))) == ADDED

    def test_comes_by_a_rollback_as_it_was(self, press: Press) -> None:
        publish(press, deb("a", "1"))  # generation 2
        operate(press, remove("a"))
        assert said(operate(press, {"op": "rollback", "to": 2})) == ADDED
        assert said(publish(press, other())) == REUSED
        operate(press, {"op": "rollback", "to": 3})
        assert said(publish(press, other())) == REUSED

    def test_does_not_come_by_a_rollback_to_before_what_hosts_had_last(self, press: Press) -> None:
        publish(press, deb("a", "1"))  # generation 2
        operate(press, remove("a"), forget("a (= 1)"))
        publish(press, other())  # generation 4
        assert said(operate(press, {"op": "rollback", "to": 2})) == REUSED
        operate(press, remove("a"))
        assert said(operate(press, {"op": "rollback", "to": 2})) == REUSED
        assert said(operate(press, {"op": "rollback", "to": 4})) == ADDED

    def test_is_not_reaped(self, press: Press) -> None:
        publish(press, deb("a", "1"))
        operate(press, remove("a"))
        for _ in range(3):
            press.clock.advance(5 * 86400)
            press.set_up()
            reap.run(press.services)
        assert not press.store.keys("apt/pool/main/a/")
        assert said(publish(press, other())) == REUSED


class TestAllAndAnArchitecture:
    """To a host they are one version: it has either, and never gets the other."""

    @pytest.mark.parametrize("order", [("all", "amd64"), ("amd64", "all")])
    def test_are_one_version(self, press: Press, order: tuple[str, str]) -> None:
        one, two = order
        assert said(publish(press, deb("a", "1", one))) == ADDED
        result = publish(press, deb("a", "1", two))
        assert said(result) == REUSED
        assert f"one version with a 1 ({two}) to a host" in result["errors"][0]["message"]
        operate(press, remove("a"))
        assert said(publish(press, deb("a", "1", two))) == REUSED
        assert said(publish(press, deb("a", "1", one))) == ADDED

    @pytest.mark.parametrize("spelled", ["1", "0:1"])
    def test_in_one_batch(self, press: Press, spelled: str) -> None:
        files = [deb("a", "1", "amd64"), deb("a", spelled, "all"), deb("a", "1", "arm64")]
        for order in itertools.permutations(files):
            name = f"b{next(_names)}"
            press.publish(press.upload(name, {f"{n}.deb": b for n, b in enumerate(order)}))
            codes = {error["code"] for error in press.result(name)["errors"]}
            assert codes == {"version-reused"}

    def test_two_architectures_are_two(self, press: Press) -> None:
        publish(press, deb("a", "1", "amd64"))
        operate(press, remove("a"))
        assert said(publish(press, deb("a", "1", "arm64"))) == ADDED
        assert said(publish(press, deb("a", "1", "amd64"))) == ADDED

    def test_what_an_older_debpress_let_in_stays_as_it_is(
        self, press: Press, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        both = debs(("a", "1", "all"), ("a", "1", "amd64"))
        with monkeypatch.context() as older:
            for module in (versions, batch):
                older.setattr(module, "meet", lambda one, other: one == other)
            assert press.publish(press.upload("both", both)) == "published"
        for body in both.values():
            assert said(publish(press, body)) == UNCHANGED
        operate(press, remove("a"))
        assert [said(publish(press, body)) for body in both.values()] == [ADDED, REUSED]


class TestForgetting:
    def test_gives_a_version_free(self, press: Press) -> None:
        publish(press, deb("a", "1"))
        operate(press, remove("a"))
        assert said(operate(press, forget("a (= 1)"))) == FORGOTTEN
        assert said(publish(press, other())) == ADDED
        assert said(publish(press, deb("a", "1"))) == REUSED

    def test_once(self, press: Press) -> None:
        """What came then is what hosts know, for ever in its turn."""
        publish(press, deb("a", "1"))
        operate(press, remove("a"), forget("a (= 1)"))
        publish(press, other())
        operate(press, remove("a"))
        assert said(publish(press, deb("a", "1"))) == REUSED
        assert said(publish(press, other())) == ADDED
        operate(press, remove("a"))
        operate(press, forget("a (= 1)"))
        assert said(publish(press, deb("a", "1", note="third"))) == ADDED

    def test_and_void_once_the_same_bytes_were_published_again(self, press: Press) -> None:
        publish(press, deb("a", "1"))
        operate(press, remove("a"), forget("a (= 1)"))
        assert said(publish(press, deb("a", "1"))) == ADDED
        operate(press, remove("a"))
        assert note(press)["packages"][0]["forgotten"] == []
        assert said(publish(press, other())) == REUSED

    def test_all_of_a_versions_architectures_and_no_other_version(self, press: Press) -> None:
        for version, architecture in itertools.product("12", ("amd64", "arm64")):
            publish(press, deb("a", version, architecture))
        operate(press, remove("a"))
        assert said(operate(press, forget("a (= 0:1)"))) == ("published", ["forgotten"] * 2)
        assert said(publish(press, other(architecture="all"))) == ADDED
        assert said(publish(press, other(version="2", architecture="all"))) == REUSED

    def test_is_a_generation_in_the_history(self, press: Press) -> None:
        publish(press, deb("a", "1"))
        operate(press, remove("a"))
        release = press.release()
        result = operate(press, forget("a (= 1)"))
        flip = next(history(press.archive, "stable", "a"))
        assert (flip.number, flip.cause) == (result["generation"], "forget") == (4, "forget")
        assert [(c.action, c.package, c.version) for c in flip.changes] == [("forgotten", "a", "1")]
        assert press.release().files == release.files and press.release().date > release.date
        assert press.archive.suite("stable").generation(flip.id).batches[0].kinds == ("forget",)

    def test_twice_is_nothing_to_do(self, press: Press) -> None:
        publish(press, deb("a", "1"))
        operate(press, remove("a"), forget("a (= 1)"))
        before = press.release()
        assert said(operate(press, forget("a (= 1)"))) == ("published", [])
        assert press.release() == before

    @pytest.mark.parametrize(
        ("operations", "code"),
        [
            ([forget("a (= 1)")], "still-published"),
            ([forget("a (= 1)"), remove("a")], "still-published"),
            ([forget("a (= 3)")], "package-unknown"),
            ([forget("nothing (= 1)")], "package-unknown"),
            ([remove("a"), forget("a (= 1)", "a (= 3)")], "package-unknown"),
            ([forget("a (>= 1)")], "manifest-field"),
        ],
    )
    def test_what_can_not_be_is_refused_and_nothing_is_done(
        self, press: Press, operations: list[dict[str, Any]], code: str
    ) -> None:
        publish(press, deb("a", "1"))
        assert said(operate(press, *operations)) == ("rejected", [code])
        assert press.packages()
        assert said(publish(press, other())) == REUSED

    def test_counts_for_what_comes_after_it(self, press: Press) -> None:
        """Not in its own flip: hosts would see a version change its bytes from one to the next."""
        publish(press, deb("a", "1"))
        publish(press, other(), suite="testing")
        assert said(operate(press, remove("a"), forget("a (= 1)"), copy("a"))) == REUSED
        operate(press, remove("a"))
        assert said(operate(press, forget("a (= 1)"), copy("a"))) == REUSED
        operate(press, forget("a (= 1)"))
        assert said(operate(press, copy("a"))) == ADDED

    def test_where_its_record_is_lost_it_is_remembered(self, press: Press) -> None:
        publish(press, deb("a", "1"))
        operate(press, remove("a"), forget("a (= 1)"))
        publish(press, deb("b", "1"))
        publish(press, deb("b", "2"))
        (lost,) = press.store.keys("state/stable/generations/00000004-")
        press.store.delete(lost)
        assert said(publish(press, other())) == REUSED
        assert said(operate(press, forget("a (= 1)"))) == FORGOTTEN
        assert said(publish(press, other())) == ADDED


class TestWhatItCosts:
    def test_one_read_for_a_package(self, press: Press) -> None:
        """However much is gone, and whether it is there already: it is read beside the index."""
        publish(press, deb("a", "1"))
        calls = reads_of_notes(press)
        publish(press, deb("b", "1"))
        publish(press, deb("b", "1"))
        assert len(calls) == 2

    def test_a_removal_writes_of_what_it_takes_out_alone(self, press: Press) -> None:
        files = debs(*(("a", str(n), "all") for n in range(40)), ("b", "1", "all"))
        press.publish(press.upload("many", files))
        operate(press, remove("a"))
        before = len(press.store.log)
        operate(press, remove("b"))
        written = [write.key for write in press.store.log[before:] if "/gone/" in write.key]
        assert len(written) == 1 and "/gone/b/" in written[0]

    def test_a_deployment_reads_the_generations_since_the_last(self, press: Press) -> None:
        press.set_up()
        publish(press, deb("a", "1"))
        operate(press, remove("a"))
        press.set_up()
        before = len(press.store.log)
        press.set_up()
        written = {write.key for write in press.store.log[before:] if "/gone/" in write.key}
        assert written == {f"state/{suite}/gone/_upto.json" for suite in ("stable", "testing")}


def reads_of_notes(press: Press) -> list[str]:
    """The versions that are asked about from here on, as they come."""
    calls: list[str] = []
    get = press.store.get

    def counting(key: str, *version: Any, **conditions: Any) -> Any:
        if "/gone/" in key:
            calls.append(key)
        return get(key, *version, **conditions)

    press.store.get = counting  # type: ignore[method-assign]
    return calls


class TestAnOlderDebpress:
    """It removed packages and noted nothing, before the deployment or in a rolled back one."""

    @pytest.fixture
    def older(self, press: Press, monkeypatch: pytest.MonkeyPatch) -> Press:
        with monkeypatch.context() as older:
            older.setattr(GoneArchive, "note", lambda *_: None)
            older.setattr(GoneArchive, "catch_up", lambda *_: None)
            publish(press, deb("a", "1"))
            operate(press, remove("a"))
            publish(press, deb("b", "1"))
        assert not press.store.keys("state/stable/gone/")
        return press

    def test_what_it_removed_is_remembered_from_the_set_up_on(self, older: Press) -> None:
        older.set_up()
        assert said(publish(older, other())) == REUSED
        assert said(publish(older, deb("a", "1"))) == ADDED

    def test_also_what_it_removed_in_between(
        self, older: Press, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        older.set_up()
        with monkeypatch.context() as again:
            again.setattr(GoneArchive, "note", lambda *_: None)
            again.setattr(GoneArchive, "catch_up", lambda *_: None)
            operate(older, remove("b"))
        older.set_up()
        assert said(publish(older, other("b"))) == REUSED

    def test_notes_that_are_lost_are_made_again_from_the_chain(self, press: Press) -> None:
        publish(press, deb("a", "1"))
        operate(press, remove("a"), forget("a (= 1)"))
        publish(press, other())
        operate(press, remove("a"))
        press.set_up()
        before = note(press)
        for key in press.store.keys("state/stable/gone/"):
            press.store.delete(key)
        press.set_up()
        assert note(press) == before
        assert said(publish(press, deb("a", "1"))) == REUSED


class TestNotes:
    def test_come_to_the_same_in_whichever_order_and_however_often(self) -> None:
        news = [
            made(5, "x"),
            made(0, "x", "00000006-a", "00000006-b"),
            made(9, "x"),
            made(0, "x", "00000009-c"),
            made(0, "x", "00000012-d"),
            made(7, "y"),
        ]
        chance = random.Random(4)
        found = set()
        for _ in range(50):
            order = chance.sample(news, len(news)) + chance.choices(news, k=3)
            version = GoneVersion()
            for each in order:
                version = version.folded([each])
            found.add(version)
        (only,) = found
        assert [(p.sha256, p.generation, p.forgotten) for p in only.packages] == [
            ("x", 9, ("00000009-c", "00000012-d")),
            ("y", 7, ()),
        ]


def made(generation: int, sha256: str, *forgotten: str) -> GonePackage:
    return GonePackage(
        package="a",
        version="1",
        architecture="all",
        filename="f",
        sha256=sha256,
        size=1,
        generation=generation,
        date=f"date of {generation}" if generation else "",
        forgotten=forgotten,
    )


def other_old() -> dict[str, bytes]:
    return {"old0_1_all.deb": deb("old0", "1", note="other")}


class TestFailures:
    @pytest.mark.parametrize("operations", [WITHDRAW[:1], WITHDRAW], ids=["remove", "withdraw"])
    def test_a_death_at_any_write_lets_no_other_bytes_in_untold(self, operations: Any) -> None:
        """The execution of a removal, or of one with its version forgotten, ends for good. What is
        uploaded then is judged by what was published: the witness has it all."""
        for k, fault in itertools.product(range(1, 60), (Fault.KILL_BEFORE, Fault.KILL_AFTER)):
            where = scene(removals=True)
            event = where.operate("it", *operations)
            dying = At(k, fault)
            world = where.world(faults=dying, tries=1)
            world.run({"it": partial(Press.publish, started=event)})
            if dying.struck is None:
                break
            world = where.world()
            again = world.publish({"b": where.upload("b", other_old())})["b"]
            assert again == ("published" if forgets(where) else "rejected"), (k, fault)
            where.heal(world)
        assert k > 12

    @pytest.mark.parametrize("k", range(1, 20))
    def test_a_forgetting_that_is_given_up_is_none(self, k: int) -> None:
        """It noted what it would forget, and its flip never came (interleaving 26)."""
        where = scene(removals=True)
        where.world().publish({"r": where.operate("r", WITHDRAW[0])})
        where.press.clock.advance(30)
        event = where.operate("f", WITHDRAW[1])
        where.world(faults=At(k, Fault.KILL_AFTER), tries=1).publish({"f": event})
        world = where.world()
        status = world.publish({"b": where.upload("b", other_old())})["b"]
        assert status == ("published" if forgets(where) else "rejected")
        where.heal(world)

    @pytest.mark.parametrize("first", range(0, 30, 2))
    def test_two_removals_that_are_noted_together(self, first: int) -> None:
        """c takes a's removal into its own merge, stops anywhere, and goes on when a and b are
        done: neither's note is lost (interleaving 27)."""
        removals_of_two(first)


def removals_of_two(first: int) -> None:
    where = scene(small=False, removals=True)
    files = debs(("x", "1", "amd64"), ("x", "1", "arm64"))
    world = where.world()
    world.publish({"new": where.upload("new", files)})
    for name, architecture in (("a", "amd64"), ("b", "arm64")):
        where.operate(name, {"op": "remove", "packages": ["x"], "architecture": architecture})
    where.upload("c", fresh("c"))
    jobs = queued(where, "a", "b", "c")
    world = where.world(turns=Script([("c", first), ("a", 10**6), ("b", 10**6)]))
    world.run(jobs)
    assert not world.surprises
    for architecture in ("amd64", "arm64"):
        debs_ = {f"x_1_{architecture}.deb": deb("x", "1", architecture, note="other")}
        said = world.publish({architecture: where.upload(architecture, debs_)})
        assert said == {architecture: "rejected"}, "came with other bytes"
    where.witness.settled()


def forgets(where: Scene) -> bool:
    """Whether a published generation has it forgotten."""
    return any("forget" in o.kinds for flip in where.witness.flips for o in flip.record.batches)
