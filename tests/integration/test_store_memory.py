"""What tests lean on in the memory store beyond the port: faults, snapshots, its log."""

from __future__ import annotations

import pytest
from debpress.errors import TransientError
from debpress.store import Pin, PreconditionFailed

from tests.support.clock import START, FakeClock
from tests.support.memory_store import MemoryStore, Write


def test_the_log_has_the_writes_that_took_effect_in_order() -> None:
    store = MemoryStore()
    head = store.put("a", b"1")
    with pytest.raises(PreconditionFailed):
        store.put("a", b"2", if_absent=True)
    store.copy(Pin("a", head.etag), "b")
    store.delete("a")
    assert store.log == [Write("put", "a"), Write("copy", "b"), Write("delete", "a")]


@pytest.mark.parametrize(("when", "written"), [("before", False), ("after", True)])
def test_the_kth_write_from_now_fails_once(when: str, written: bool) -> None:
    store = MemoryStore()
    store.put("earlier", b"")
    store.fail_at(2, when)  # type: ignore[arg-type]
    store.put("first", b"")
    with pytest.raises(TransientError):
        store.put("second", b"")
    assert (store.head("second") is not None) is written
    assert (Write("put", "second") in store.log) is written
    store.put("second", b"")


def test_a_fault_may_be_any_exception() -> None:
    store = MemoryStore()
    store.fail_at(1, error=KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        store.delete("a")


def test_restore_goes_back_and_forgets_faults() -> None:
    store = MemoryStore()
    store.put("a", b"1")
    before = store.snapshot()
    store.put("a", b"2")
    store.put("b", b"")
    store.fail_at(1)
    store.restore(before)
    assert (store.keys(), store.body("a"), store.log) == (["a"], b"1", [Write("put", "a")])
    store.put("c", b"")


def test_another_writer_can_come_in_between() -> None:
    store = MemoryStore()
    head = store.put("a", b"mine")

    def rival(operation: str, key: str) -> None:
        store.on_write = None
        store.put(key, b"theirs")

    store.on_write = rival
    with pytest.raises(PreconditionFailed):
        store.put("a", b"mine again", if_match=head.etag)
    assert store.body("a") == b"theirs"


def test_last_modified_comes_from_the_clock_in_whole_seconds() -> None:
    clock = FakeClock()
    store = MemoryStore(clock)
    store.put("a", b"1")
    first = store.head("a")
    clock.sleep(0.5)
    store.put("a", b"2")
    second = store.head("a")
    clock.sleep(0.5)
    store.put("a", b"3")
    third = store.head("a")
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.last_modified == second.last_modified == START.replace(microsecond=0)
    assert third.last_modified > second.last_modified


def test_an_upload_in_parts_has_no_sum_of_its_bytes() -> None:
    store = MemoryStore()
    head = store.upload("staging/a.deb", b"x")
    assert head.sha256 is None
    assert head.etag.endswith("-2")
    assert store.log == []
    store.copy(Pin("staging/a.deb", head.etag), "pool/a.deb")
    copied = store.head("pool/a.deb")
    assert copied is not None
    assert copied.sha256 is not None


def test_without_versions_there_are_no_ids_and_no_past() -> None:
    store = MemoryStore(versioned=False)
    head = store.put("a", b"1")
    store.put("a", b"2")
    assert head.version_id is None
    assert b"".join(store.stream(Pin("a", store.put("a", b"3").etag))) == b"3"
    store.delete("a")
    assert store.get("a") is None


def test_requests_are_counted_by_method() -> None:
    store = MemoryStore()
    store.put("a", b"1")
    store.get("a")
    store.head("nothing")
    list(store.list(""))
    assert store.requests == {"put": 1, "get": 1, "head": 1, "list": 1}
