"""Whatever fails, at whichever call: hosts see all of the old or all of the new, retries converge,
nothing is left over, and what results say is true. tests/support/witness.py judges every write.
"""

from __future__ import annotations

import gzip
import hashlib
import itertools
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from debpress import openpgp
from debpress.index import entries, release

from tests.support.faults import At, Fault, Script, World, no_faults
from tests.support.press import Press, deb
from tests.support.scenes import OLD, WITHDRAW, Scene, fresh, scene

SOAK = int(os.environ.get("DEBPRESS_SOAK", "0"))

EVERYWHERE = {
    **fresh("new"),
    "new-arm_1_arm64.deb": deb("new-arm", "1", "arm64"),
    "new-epoch_1:2.0~rc1_amd64.deb": deb("new-epoch", "1:2.0~rc1", "amd64"),
}

Job = Callable[[Press], Any]


def _publish(where: Scene) -> Job:
    """Packages for several architectures, with a batch of another component taken along."""
    other = where.upload("other", fresh("other"), component="extra")
    steps = where.press.steps(other)
    for _ in range(3):
        next(steps)
    where.press.clock.advance(300)  # Its execution has died.
    event = where.upload("it", EVERYWHERE)
    return lambda press: press.publish(event)


def _operate(*operations: dict[str, Any]) -> Callable[[Scene], Job]:
    def make(where: Scene) -> Job:
        event = where.operate("it", *operations)
        return lambda press: press.publish(event)

    return make


def _prune(where: Scene) -> Job:
    for version in "234":
        where.press.publish(where.press.upload(f"v{version}", fresh("many", version)))
    where.press.configure(keep=1, prune_share=1)
    where.witness = type(where.witness)(where.press, removals=True)
    return _operate({"op": "prune"})(where)


def _set_up(where: Scene) -> Job:
    """An architecture and a component more."""
    where.press.configure(
        architectures=["amd64", "arm64", "riscv64"], components=["main", "extra", "third"]
    )
    return lambda press: [*press.flip("stable")][-1] or "published"


CHANGES: dict[str, Callable[[Scene], Job]] = {
    "publish": _publish,
    "remove": _operate({"op": "remove", "packages": ["old0", "old1"]}),
    "rollback": _operate({"op": "rollback", "to": 1}),
    "prune": _prune,
    "withdraw": _operate(*WITHDRAW),
    "set-up": _set_up,
}


def _scene(change: str) -> tuple[Scene, Job]:
    where = scene(small=False, removals=change in ("remove", "rollback", "prune", "withdraw"))
    job = CHANGES[change](where)
    where.press.clock.advance(30)
    return where, job


def _count(change: str, *, reads: bool) -> int:
    where, job = _scene(change)
    world = where.world()
    assert world.run({"it": job}) == {"it": "published"}
    where.witness.settled()
    return sum(call.writes or reads for call in world.calls)


@pytest.mark.parametrize("change", CHANGES)
def test_killed_at_every_write(change: str) -> None:
    """Before the write and after it; the state machine tries the step again."""
    count = _count(change, reads=False)
    assert count > 15
    for k, fault in itertools.product(range(1, count + 1), (Fault.KILL_BEFORE, Fault.KILL_AFTER)):
        where, job = _scene(change)
        world = where.world(faults=At(k, fault))
        assert world.run({"it": job}) == {"it": "published"}, (k, fault)
        assert where.witness.count == 1 and not world.surprises
        where.witness.settled()


@pytest.mark.parametrize("change", CHANGES)
def test_time_outs_and_503_at_every_call(change: str) -> None:
    faults = (Fault.ERROR_BEFORE, Fault.ERROR_AFTER)
    step = 1 if SOAK or change == "publish" else 5
    for k in range(1, _count(change, reads=True) + 1, step):
        where, job = _scene(change)
        world = where.world(faults=At(k, faults[k % 2], reads=True))
        assert world.run({"it": job}) == {"it": "published"}, (k, faults[k % 2])
        assert where.witness.count == 1 and not world.surprises
        where.witness.settled()


@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER])
def test_409_and_412_at_every_conditional_write(fault: Fault) -> None:
    """A 409 that wrote nothing, and the 412 that an SDK's second try gets from its own first."""
    for k in range(1, _count("publish", reads=False) + 1):
        where, job = _scene("publish")
        world = where.world(faults=At(k, fault))
        assert world.run({"it": job}) == {"it": "published"}, k
        assert where.witness.count == 1 and not world.surprises
        where.witness.settled()


@pytest.mark.parametrize("change", ["publish", "remove"])
def test_a_step_that_never_works_is_told_as_it_is(change: str) -> None:
    """Each call in turn fails for as long as it is tried; then the state machine gives up. If the
    change is visible it is published, if not it has failed, and uploading again publishes it."""
    where, job = _scene(change)
    world = where.world()
    world.run({"it": job})
    keys = dict.fromkeys((call.operation, call.key) for call in world.calls)
    for number, (operation, key) in enumerate(keys):
        if operation in ("get", "head", "list", "stream") and number % 4:
            continue  # a spread of the reads will do
        where, job = _scene(change)

        def never(call: Any, wanted: tuple[str, str] = (operation, _general(key))) -> Any:
            return Fault.ERROR_BEFORE if (call.operation, _general(call.key)) == wanted else None

        world = where.world(faults=never, tries=3)
        said = world.run({"it": job})["it"]
        flipped = where.witness.count > 0
        assert said in ("published", None) if flipped else said in ("failed", "rejected", None), key
        world.faults = no_faults
        where.press.clock.advance(3600)
        event = where.events["it"]["detail"]["object"]
        body = where.press.store.body(event["key"])
        head = where.press.store.put(event["key"], body)
        again = {
            **where.events["it"],
            "detail": {"object": {**event, "version-id": head.version_id}},
        }
        where.witness.expect(again, EVERYWHERE if change == "publish" else {})
        assert world.publish({"again": again}) == {"again": "published"}, key
        assert where.press.result("it")["status"] == "published"
        where.heal(world)


def _general(key: str) -> str:
    """A key without what differs from one scene to the next."""
    return "/".join("*" if any(c.isdigit() for c in part) else part for part in key.split("/"))


def test_a_repeat_of_every_event_changes_nothing() -> None:
    for change in ("publish", "remove", "rollback"):
        where, job = _scene(change)
        world = where.world()
        world.run({"it": job})
        before = where.press.store.log.copy()
        for _ in range(3):
            assert world.publish({"again": where.events["it"]}) == {"again": None}
        assert where.press.store.log == before


class TestHosts:
    def test_one_in_the_middle_gets_everything_it_was_told_of(self) -> None:
        """It read InRelease before five more publishes and a prune, and only now asks for the
        rest, as apt does: by-hash, then the pool."""
        where = scene(removals=True)
        where.press.configure(components=["main"], architectures=["amd64"], keep=1, prune_share=1)
        world = where.world()
        world.publish({"a": where.upload("a", fresh("many", "1"))})
        found = where.press.store.get(where.press.repository.layout.inrelease("stable"))
        assert found is not None
        for version in "23456":
            world.publish({version: where.upload(version, fresh("many", version))})
        assert world.publish({"prune": where.operate("prune", {"op": "prune"})})
        assert ("many", "1", "all") not in {tuple(i) for i in where.press.packages()}
        assert {"many", "many-bin"} <= _fetched(where.press, found.body)

    def test_every_state_a_host_may_have_read_stays_whole(self) -> None:
        where = scene(removals=True)
        world = where.world()
        for number in range(5):
            world.publish({f"{number}": where.upload(f"{number}", fresh(f"p{number}"))})
            world.publish(
                {"r": where.operate(f"r{number}", {"op": "remove", "packages": [f"p{number}"]})}
            )
        assert where.witness.count == 10
        where.witness.settled()  # looks at every object that any of them named


def _fetched(press: Press, inrelease: bytes) -> set[str]:
    openpgp.verify_clearsigned(inrelease, press.signers.certificates())
    names = set()
    layout = press.repository.layout
    for name, listed in release.parse(openpgp.split(inrelease)[0]).files.items():
        if not name.endswith(".gz"):
            continue
        index = press.store.body(layout.by_hash("stable", name, listed.sha256))
        assert hashlib.sha256(index).hexdigest() == listed.sha256
        for entry in entries.split(gzip.decompress(index)):
            body = press.store.body(layout.pool(entries.field(entry.text, "Filename")))
            assert hashlib.sha256(body).hexdigest() == entries.field(entry.text, "SHA256")
            names.add(entry.identity.package)
    return names


class TestTime:
    def test_functions_whose_clocks_are_wrong(self) -> None:
        """Only the store's clock counts: Date is never in its future, and rises."""
        for skew in itertools.product((-3600.0, 0.0, 3600.0), repeat=2):
            where = scene()
            events = {name: where.upload(name, fresh(name)) for name in "ab"}
            world = where.world(
                turns=Script([("a", 70), ("b", 90)]), skew=dict(zip("ab", skew, strict=True))
            )
            assert set(world.publish(events).values()) == {"published"}
            assert not world.surprises
            where.witness.settled()

    @pytest.mark.parametrize("skew", [-3600.0, 3600.0])
    def test_the_first_function_of_all_whose_clock_is_wrong(self, skew: float) -> None:
        """There is no InRelease yet whose answer would tell the store's time."""
        press = Press(scene().press.signers)
        press.clock.advance(86400)  # later than the certificate
        world = World(press, skew={"set-up": skew})
        world.run({"set-up": lambda press: [*press.flip("stable")]})
        assert not world.surprises, f"surprised by {world.surprises}"
        behind = press.clock.now() - press.release().date
        assert timedelta(0) <= behind < timedelta(seconds=90), f"law 1: behind by {behind}"

    @pytest.mark.parametrize("step", range(7))
    @pytest.mark.parametrize("seconds", [-3600, -30, -2, 3600])
    def test_the_stores_clock_jumps_between_two_steps(self, step: int, seconds: int) -> None:
        """Back by more than can be waited for: it fails, says so, and publishes once the clock is
        right. At no time does a host see a Date or Last-Modified that does not rise."""
        where = scene()
        world = where.world()
        world.publish({"before": where.upload("before", fresh("before"))})
        event = where.upload("it", fresh("it"))

        def jumping(press: Press) -> Any:
            values = []
            for value in press.steps(event):
                values.append(value)
                if len(values) == step:
                    where.press.clock.advance(seconds)
            return values[-1]

        said = world.run({"it": jumping})["it"]
        assert not world.surprises
        if said != "published":
            assert seconds < -2 and where.witness.count == 1 and where.status("it") == "failed"
            where.press.clock.advance(-seconds)
            assert world.publish({"it": event}) == {"it": "published"}
        where.witness.settled()

    def test_a_hundred_publishes_as_fast_as_can_be(self) -> None:
        """The witness holds each Date and Last-Modified against the one before."""
        where = scene()
        world = where.world()
        for number in range(100):
            name = f"p{number}"
            debs = {f"{name}_1_all.deb": deb(name, "1")}
            assert world.publish({name: where.upload(name, debs)}) == {name: "published"}
        assert where.witness.count == 100
        first, last = where.witness.flips[0], where.witness.flips[-1]
        assert last.modified - first.modified >= timedelta(seconds=100)

    def test_last_modified_that_did_not_rise_is_mended(self) -> None:
        """The store's clock goes back between the last look at it and the put: hosts that ask by
        If-Modified-Since would never see the flip. It is put again until it is newer."""
        where = scene()
        world = where.world()
        world.publish({"before": where.upload("before", fresh("before"))})
        key = where.press.repository.layout.inrelease("stable")
        before = where.press.store.head(key)
        assert before is not None
        event = where.upload("it", fresh("it"))
        jumps = iter([-3.0])

        def back(call: Any) -> None:
            if call.operation == "put" and call.key == key:
                where.press.clock.advance(next(jumps, 0.0))

        plain = World(where.press, faults=back)  # no witness: it sees the moment in between
        assert plain.publish({"it": event}) == {"it": "published"}
        after = where.press.store.head(key)
        assert after is not None and after.last_modified > before.last_modified


class TestRefusals:
    def test_a_version_taken_out_and_brought_back_with_other_bytes(self) -> None:
        """By one operations.json, it would change its bytes in one flip: refused, not broken."""
        where = scene(small=False, removals=True)
        other = {"old0_1_all.deb": deb("old0", "1", note="other")}
        where.press.publish(where.press.upload("x", other, suite="testing"))
        source = {"suite": "testing", "component": "main"}
        event = where.operate(
            "it",
            {"op": "remove", "packages": ["old0"]},
            {"op": "copy", "from": source, "packages": ["old0"]},
        )
        world = where.world()
        assert world.publish({"it": event}) == {"it": "rejected"}
        assert where.press.result("it")["errors"][0]["code"] == "version-reused"
        assert "old0" in where.seen() and not world.surprises
        where.witness.settled()

    def test_an_operation_before_the_suite_is_set_up_hinders_nobody(self) -> None:
        press = Press(scene().press.signers)
        steps = press.steps(press.operate("early", {"op": "remove", "packages": ["x"]}))
        next(steps)
        next(steps)
        press.set_up()
        assert press.packages() == set()
        assert press.result("early")["status"] == "rejected"

    def test_a_refusal_alone_flips_nothing(self) -> None:
        where = scene()
        event = where.upload("x", {"old0_1_all.deb": deb("old0", "1", note="other")})
        world = where.world()
        assert world.publish({"x": event}) == {"x": "rejected"}
        assert where.witness.count == 0 and OLD
        where.witness.settled()
