"""What admission costs, and that nothing gets into the pool but what was summed, whoever summed it.

The numbers in the names of tests are those of the interleavings in docs/protocol.md.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from debpress.archive import taking
from debpress.archive.pool import Pool
from debpress.layout import Layout
from debpress.steps import reap
from debpress.store import Pin

from tests.support.faults import At, Call, Fault, Faults, Script
from tests.support.latency import MeasuredPress, Trace
from tests.support.memory_store import MemoryStore
from tests.support.press import Press, deb, debs, event
from tests.support.scenes import OLD, Scene, scene

Patch = pytest.MonkeyPatch
IT = {"it_1_all.deb": deb("it", "1")}
EVIL = deb("it", "1", note="evil")
STAGED = "staging/stable/main/it/it_1_all.deb"


def in_parts(where: Scene, name: str, files: Mapping[str, bytes], **said: str) -> dict[str, Any]:
    """Uploads as `aws s3 cp` does large files, so that S3 has no sum of them; `said` are what the
    manifest says in place of the right sums. Returns the event."""
    store = where.press.store
    sums = {file: hashlib.sha256(body).hexdigest() for file, body in files.items()} | said
    for file, body in files.items():
        store.upload(f"staging/stable/main/{name}/{file}", body)
    text = "".join(f"{sha256}  {file}\n" for file, sha256 in sums.items()).encode()
    head = store.put(f"staging/stable/main/{name}/SHA256SUMS", text)
    started = event(head.key, head.etag, head.version_id)
    where.runs[name] = where.witness.expect(started, files)
    return started


@pytest.fixture(params=["sums by S3", "no sums"])
def where(request: pytest.FixtureRequest, monkeypatch: Patch) -> Callable[[], Scene]:
    """Makes a scene in which every file counts as large, on S3 or on an emulator."""
    monkeypatch.setattr(taking, "_MOST_WHOLE", 0)

    def make() -> Scene:
        made = scene()
        made.press.store.sums = request.param == "sums by S3"
        return made

    return make


def incoming(press: Press) -> list[str]:
    return list(press.store.keys(Layout.incoming()))


def pooled(press: Press, name: str = "it") -> list[bytes]:
    return [press.store.body(key) for key in press.store.keys(f"apt/pool/main/{name[0]}/{name}/")]


# What it costs


@pytest.fixture
def press() -> MeasuredPress:
    made = MeasuredPress()
    made.set_up()
    made.clock.sleep(60)
    return made


def admission(press: MeasuredPress, started: Mapping[str, Any]) -> tuple[Any, int]:
    """The requests of the step by kind, and its round trips."""
    steps = press.steps(started)
    next(steps)
    press.trace = trace = Trace()
    with trace.counting():
        next(steps)
    assert [*steps][-1] == "published"
    found = [request for request in trace.requests if request.step == "admit"]
    return Counter(request.kind for request in found), max(r.round for r in found)


def test_a_small_package_takes_five_requests(press: MeasuredPress) -> None:
    """The plan, the file, its copy into the pool, a look at staging, the verdict."""
    requests, rounds = admission(press, press.upload("b", IT))
    assert requests == {"get": 2, "copy": 1, "list": 1, "put": 1}
    assert rounds == 5


def test_a_hundred_small_packages_share_a_call_and_go_side_by_side(press: MeasuredPress) -> None:
    many = debs(*((f"p{n}", "1", "amd64") for n in range(100)))
    requests, rounds = admission(press, press.upload("b", many))
    assert requests == {"get": 101, "copy": 100, "list": 1, "put": 1}
    # One after another they would take 203.
    assert rounds == 3 + 2 * 7


def test_what_S3_sums_takes_seven_requests(  # noqa: N802
    press: MeasuredPress, monkeypatch: Patch
) -> None:
    """The plan, a look at the file, a copy to be summed, a read of that, its copy into the pool, a
    look at staging, the verdict."""
    monkeypatch.setattr(taking, "_MOST_WHOLE", 0)
    requests, rounds = admission(press, in_parts(Scene(press), "it", IT))
    assert requests == {"get": 2, "head": 1, "copy": 2, "list": 1, "put": 1}
    assert rounds == 7


def test_what_was_uploaded_with_its_sum_is_copied_once(
    press: MeasuredPress, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(taking, "_MOST_WHOLE", 0)
    requests, _ = admission(press, press.upload("b", IT))
    assert requests["copy"] == 1 and not incoming(press)


# A sum that is wrong


def test_35_wrong_bytes_are_never_in_the_pool(where: Callable[[], Scene]) -> None:
    """They are said to be those of a package that hosts read, with the same name and size."""
    there = where()
    press = there.press
    (file, right), *_ = OLD.items()
    wrong = right.replace(b"old0", b"Old0") if right.count(b"old0") else right[:-1] + b"\1"
    pool = {key: press.store.head(key) for key in press.store.keys("apt/pool/")}
    started = in_parts(there, "it", {file: wrong}, **{file: hashlib.sha256(right).hexdigest()})
    assert press.publish(started) == "rejected"
    assert "sum-mismatch" in {e["code"] for e in press.result("it")["errors"]}
    after = {key: press.store.head(key) for key in press.store.keys("apt/pool/")}
    assert {key: head and head.version_id for key, head in after.items()} == {
        key: head and head.version_id for key, head in pool.items()
    }
    assert len(incoming(press)) == 1


def test_35_what_a_sum_was_found_by_is_reaped(where: Callable[[], Scene]) -> None:
    there = where()
    press = there.press
    wrong = in_parts(there, "wrong", {"wrong_1_all.deb": b"x"}, **{"wrong_1_all.deb": "0" * 64})
    assert press.publish(wrong) == "rejected"
    assert press.publish(in_parts(there, "it", IT)) == "published"
    copies = incoming(press)
    assert len(copies) == 2
    reap.run(press.services)
    assert incoming(press) == copies
    press.clock.advance(2 * 3600)
    would = {key for key in reap.run(press.services, dry_run=True).keys if "_incoming" in key}
    assert would == set(copies)
    reap.run(press.services)
    assert not incoming(press) and pooled(press) == [*IT.values()]


# Others meanwhile


def test_36_a_file_replaced_at_any_moment_is_never_published(
    where: Callable[[], Scene],
) -> None:
    """Before the plan, it is another file than the manifest lists; until admission is done, it is
    told; and later it comes too late."""
    told = []
    for moment in range(1, 22):
        there = where()
        world = there.world(faults=replacing(there.press.store, moment))
        started = in_parts(there, "it", IT)
        said = world.publish({"it": started})["it"]
        told.append(said if said != "rejected" else there.press.result("it")["errors"][0]["code"])
        assert EVIL not in pooled(there.press) and not world.surprises
        there.witness.settled()
    assert list(dict.fromkeys(told)) == ["sum-mismatch", "file-changed", "published"]


def replacing(store: MemoryStore, moment: int) -> Faults:
    seen = 0

    def swap(call: Call) -> Fault | None:
        nonlocal seen
        seen += 1
        if seen == moment:
            store.upload(STAGED, EVIL)
        return None

    return swap


@pytest.mark.parametrize("fault", [Fault.KILL_AFTER, Fault.LOST_BEFORE])
def test_37_dying_at_any_write_leaves_nothing(where: Callable[[], Scene], fault: Fault) -> None:
    for write in range(2, 5):  # The two copies and the verdict.
        there = where()
        world = there.world(faults=At(write, fault))
        assert world.publish({"it": in_parts(there, "it", IT)}) == {"it": "published"}
        there.press.clock.advance(2 * 3600)
        for _ in range(3):  # A copy that was tried again lies under the same name.
            reap.run(there.press.services)
        assert not incoming(there.press) and pooled(there.press) == [*IT.values()]
        there.heal(world)


@pytest.mark.parametrize("first", range(3, 16, 4))
def test_37_a_chunk_that_is_admitted_twice_at_once(where: Callable[[], Scene], first: int) -> None:
    for second in range(first % 5, 16, 5):
        there = where()
        started = in_parts(there, "it", IT)
        turns = Script([("one", first), ("two", second), ("one", 10**6)])
        world = there.world(turns=turns)
        said = world.publish({"one": started, "two": started})
        assert "published" in said.values() and not world.surprises
        assert pooled(there.press) == [*IT.values()]
        there.witness.settled()


def test_38_the_reaper_comes_while_a_copy_is_read(where: Callable[[], Scene]) -> None:
    for first in range(2, 14, 2):
        reaper_beside(where(), first)


def reaper_beside(there: Scene, first: int) -> None:
    started = in_parts(there, "it", IT)
    world = there.world(turns=Script([("it", first), ("reaper", 10**6)]))
    said = world.run(
        {
            "it": lambda press: press.publish(started),
            "reaper": lambda press: reap.run(press.services),
        }
    )
    assert said["it"] == "published", there.press.result("it")["errors"]
    assert not world.surprises
    there.witness.settled()


@pytest.mark.parametrize("first", range(3, 16, 4))
def test_39_two_batches_bring_the_same_package(where: Callable[[], Scene], first: int) -> None:
    for second in range(first % 5, 16, 5):
        there = where()
        events = {name: in_parts(there, name, IT) for name in ("one", "two")}
        turns = Script([("one", first), ("two", second), ("one", 10**6)])
        world = there.world(turns=turns)
        assert set(world.publish(events).values()) == {"published"} and not world.surprises
        assert pooled(there.press) == [*IT.values()]
        there.witness.settled()


# The pool


POOLED = "pool/main/i/it/0123456789abcdef/it_1_all.deb"


def fill(store: MemoryStore, body: bytes, sha256: str) -> bool:
    head = store.put("staging/x", body)
    pin = Pin(head.key, head.etag, head.version_id)
    return Pool(store, Layout()).fill(pin, POOLED, len(body), sha256)


def lying(store: MemoryStore) -> list[str]:
    return [version.id for version in store.snapshot().objects[f"apt/{POOLED}"]]


def test_39_a_package_that_is_there_is_not_put_again_while_it_is_young() -> None:
    store = MemoryStore()
    sha256 = hashlib.sha256(b"it").hexdigest()
    assert fill(store, b"it", sha256) and fill(store, b"it", sha256)
    assert len(lying(store)) == 1
    store.clock.sleep(3600)
    assert fill(store, b"it", sha256) and len(lying(store)) == 2


def test_39_of_two_whose_sums_begin_alike_the_second_is_refused() -> None:
    store = MemoryStore()
    sha256 = hashlib.sha256(b"it").hexdigest()
    assert fill(store, b"it", sha256)
    assert not fill(store, b"ti", sha256[:16] + "0" * 48)
    assert store.body(f"apt/{POOLED}") == b"it" and len(lying(store)) == 1


def test_a_package_that_was_damaged_by_hand_is_mended() -> None:
    store = MemoryStore()
    store.put(f"apt/{POOLED}", b"xx")
    assert fill(store, b"it", hashlib.sha256(b"it").hexdigest())
    assert store.body(f"apt/{POOLED}") == b"it"
