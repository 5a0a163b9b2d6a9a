"""What the store port promises, of all stores that keep it: the one in memory, as S3 and as an
emulator that sums no copies, and the adapter before moto.

moto differs from S3 in ways the tests here allow for, and S3 is still held to by test_store_s3:
it checks no condition on a copy, and gives no ChecksumType for a plain put or a copy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from debpress.adapters import s3
from debpress.errors import StoreError
from debpress.index.form import Form
from debpress.store import (
    Head,
    Immutable,
    ObjectChanged,
    ObjectHeaders,
    Pin,
    PreconditionFailed,
    Store,
)

from tests.support.memory_store import MemoryStore
from tests.support.simulated_s3 import versioned

BUCKET = "press-of-the-tests"


@pytest.fixture(params=["memory", "emulator", "s3"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    if request.param != "s3":
        yield MemoryStore(sums=request.param == "memory")
        return
    with versioned(BUCKET, monkeypatch) as client:
        yield s3.S3Store(client, BUCKET)


def pin(head: Head) -> Pin:
    return Pin(head.key, head.etag, head.version_id)


def test_what_was_put_is_read_back_whole(store: Store) -> None:
    headers = ObjectHeaders("text/plain", "max-age=60", {"Generation": "00000042-abc"})
    put = store.put("apt/dists/lab/InRelease", b"signed text", headers)
    found = store.get("apt/dists/lab/InRelease")
    assert found is not None
    assert found.body == b"signed text"
    assert found.head.etag == put.etag == hashlib.md5(b"signed text").hexdigest()
    assert found.head.size == put.size == 11
    assert found.head.version_id == put.version_id is not None
    assert found.head.metadata == put.metadata == {"generation": "00000042-abc"}


def test_a_put_knows_the_sum_of_what_it_wrote(store: Store) -> None:
    assert store.put("a", b"bytes").sha256 == hashlib.sha256(b"bytes").hexdigest()


def test_an_absent_key_is_none(store: Store) -> None:
    assert store.head("nothing") is None
    assert store.get("nothing") is None
    assert list(store.list("nothing")) == []


def test_a_head_tells_the_same_as_a_get(store: Store) -> None:
    store.put("a", b"one", ObjectHeaders(metadata={"k": "v"}))
    found, head = store.get("a"), store.head("a")
    assert found is not None
    assert head is not None
    assert (head.etag, head.size, head.version_id, head.metadata, head.last_modified) == (
        found.head.etag,
        found.head.size,
        found.head.version_id,
        found.head.metadata,
        found.head.last_modified,
    )


def test_last_modified_is_in_whole_seconds_with_a_zone(store: Store) -> None:
    store.put("a", b"one")
    head = store.head("a")
    assert head is not None
    assert head.last_modified.microsecond == 0
    assert head.last_modified.utcoffset() == timedelta(0)


def test_an_empty_object_is_an_object(store: Store) -> None:
    head = store.put("empty", b"")
    found = store.get("empty")
    assert found is not None
    assert found.body == b""
    assert list(store.stream(pin(head))) == []


# Conditional writes


def test_if_absent_writes_once(store: Store) -> None:
    store.put("a", b"first", if_absent=True)
    with pytest.raises(PreconditionFailed):
        store.put("a", b"second", if_absent=True)
    found = store.get("a")
    assert found is not None
    assert found.body == b"first"


def test_if_absent_writes_again_after_a_delete(store: Store) -> None:
    store.put("a", b"first")
    store.delete("a")
    store.put("a", b"second", if_absent=True)
    found = store.get("a")
    assert found is not None
    assert found.body == b"second"


def test_if_match_replaces_the_state_it_names(store: Store) -> None:
    first = store.put("a", b"first")
    second = store.put("a", b"second", if_match=first.etag)
    assert second.etag != first.etag
    with pytest.raises(PreconditionFailed):
        store.put("a", b"third", if_match=first.etag)
    found = store.get("a")
    assert found is not None
    assert found.body == b"second"


def test_if_match_takes_an_etag_in_quotes(store: Store) -> None:
    first = store.put("a", b"first")
    store.put("a", b"second", if_match=f'"{first.etag}"')


def test_if_match_on_a_missing_key_is_a_lost_race(store: Store) -> None:
    with pytest.raises(PreconditionFailed):
        store.put("gone", b"x", if_match="d41d8cd98f00b204e9800998ecf8427e")
    assert store.head("gone") is None


def test_a_counter_in_the_store_loses_no_increment(store: Store) -> None:
    """Compare and swap, as many threads as a busy day: the sum of all that said they won."""
    store.put("counter", b"0")

    def attempt(_: int) -> int:
        found = store.get("counter")
        assert found is not None
        try:
            store.put("counter", str(int(found.body) + 1).encode(), if_match=found.head.etag)
        except PreconditionFailed:
            return 0
        return 1

    workers = 8 if isinstance(store, MemoryStore) else 1  # moto's check and write are two steps
    with ThreadPoolExecutor(workers) as pool:
        won = sum(pool.map(attempt, range(40)))
    found = store.get("counter")
    assert found is not None
    assert int(found.body) == won > 0


# Versions and pins


def test_a_version_is_read_after_it_was_replaced_and_deleted(store: Store) -> None:
    first = store.put("a", b"first")
    store.put("a", b"second")
    store.delete("a")
    assert store.get("a") is None
    old = store.get("a", first.version_id)
    assert old is not None
    assert old.body == b"first"


def test_deleting_one_version_touches_no_other(store: Store) -> None:
    first = store.put("a", b"first")
    second = store.put("a", b"second")
    store.delete("a", first.version_id)
    assert store.get("a", first.version_id) is None
    head = store.head("a")
    assert head is not None
    assert head.version_id == second.version_id


def test_deleting_what_is_absent_is_fine(store: Store) -> None:
    store.delete("never")
    head = store.put("a", b"x")
    store.delete("a", head.version_id)
    store.delete("a", head.version_id)
    assert store.head("a") is None


def test_a_deletion_hides_every_version_of_the_state_it_names_and_of_no_other(
    store: Store,
) -> None:
    first = store.put("a", b"first")
    second = store.put("a", b"second")
    with pytest.raises(PreconditionFailed):
        store.delete("a", if_match=first.etag)
    store.delete("a", if_match=second.etag)
    assert store.head("a") is None
    store.delete("a", if_match=second.etag)
    with pytest.raises(PreconditionFailed):
        store.put("a", b"third", if_match=second.etag)
    store.put("a", b"third", if_absent=True)


def test_a_pin_reads_its_own_version_after_a_swap(store: Store) -> None:
    first = store.put("a", b"validated")
    store.put("a", b"swapped in")
    assert b"".join(store.stream(pin(first))) == b"validated"


def test_a_pin_without_a_version_notices_a_swap(store: Store) -> None:
    first = store.put("a", b"validated")
    store.put("a", b"swapped in")
    with pytest.raises(ObjectChanged):
        list(store.stream(Pin("a", first.etag)))


def test_a_pin_notices_that_its_object_is_gone(store: Store) -> None:
    head = store.put("a", b"x")
    store.delete("a", head.version_id)
    with pytest.raises(ObjectChanged):
        list(store.stream(pin(head)))
    with pytest.raises(ObjectChanged):
        list(store.stream(Pin("a", head.etag)))
    with pytest.raises(ObjectChanged):
        store.copy(pin(head), "b")
    assert store.head("b") is None


@pytest.mark.parametrize(
    ("start", "length"),
    [(0, None), (0, 10), (7, 5), (7, None), (0, 1), (2_500_000, 9_999_999), (5, 1 << 20)],
)
def test_a_stream_gives_the_asked_range(store: Store, start: int, length: int | None) -> None:
    body = bytes(range(256)) * 10_000
    head = store.put("big", body)
    pieces = list(store.stream(pin(head), start, length))
    end = len(body) if length is None else start + length
    assert b"".join(pieces) == body[start:end]
    assert all(0 < len(piece) <= 1 << 20 for piece in pieces)


@pytest.mark.parametrize(("start", "length"), [(3, None), (99, None), (99, 5), (0, 0), (1, 0)])
def test_a_stream_past_the_end_or_of_nothing_is_empty(
    store: Store, start: int, length: int | None
) -> None:
    assert list(store.stream(pin(store.put("a", b"abc")), start, length)) == []


def test_a_large_object_is_read_in_pieces(store: Store) -> None:
    body = bytes(range(256)) * 10_000
    put = store.put("big", body, ObjectHeaders(metadata={"generation": "1"}))
    found = store.read("big")
    assert found is not None
    head, pieces = found
    assert (head.etag, head.size, head.metadata) == (put.etag, len(body), {"generation": "1"})
    read = list(pieces)
    assert b"".join(read) == body
    assert all(0 < len(piece) <= 1 << 20 for piece in read)
    assert store.read("none") is None


def test_a_file_is_put_as_bytes_are(store: Store) -> None:
    form = Form([b"a" * (1 << 20), b"b"])
    store.put_file("f", form, ObjectHeaders("text/plain", "no-cache", {"a": "b"}))
    found = store.get("f")
    assert found is not None
    assert hashlib.sha256(found.body).hexdigest() == form.sha256
    assert found.head.metadata == {"a": "b"}


# Copies and lists


def test_a_copy_carries_the_bytes_and_its_own_serving(store: Store) -> None:
    source = store.put("staging/a+b.deb", b"package", ObjectHeaders(metadata={"from": "ci"}))
    store.copy(pin(source), "apt/pool/a.deb", ObjectHeaders("application/x-debian", "max-age=9"))
    copied = store.get("apt/pool/a.deb")
    assert copied is not None
    assert copied.body == b"package"
    assert copied.head.metadata == {}


def test_a_copy_says_what_it_made(store: Store) -> None:
    copied = store.copy(pin(store.put("a", b"first")), "b")
    store.put("b", b"second")
    assert b"".join(store.stream(copied.pin)) == b"first"
    assert copied.sha256 in (None, hashlib.sha256(b"first").hexdigest())
    if isinstance(store, MemoryStore):
        assert (copied.sha256 is not None) == store.sums


def test_a_copy_to_where_there_is_something_is_refused_or_made(store: Store) -> None:
    """S3 looks; emulators don't, so whoever asks for it must not depend on it."""
    source = pin(store.put("a", b"first"))
    assert store.copy(source, "b", if_absent=True).pin.key == "b"
    if isinstance(store, MemoryStore) and store.sums:
        with pytest.raises(PreconditionFailed):
            store.copy(source, "b", if_absent=True)
    else:
        assert store.copy(source, "b", if_absent=True).pin.key == "b"


def test_a_read_of_another_state_than_asked_for_is_refused(store: Store) -> None:
    first = store.put("a", b"first")
    found = store.get("a", if_match=first.etag)
    assert found is not None and found.body == b"first"
    store.put("a", b"second")
    with pytest.raises(ObjectChanged):
        store.get("a", if_match=first.etag)
    store.delete("a")
    assert store.get("a", if_match=first.etag) is None


def test_a_copy_takes_the_pinned_version(store: Store) -> None:
    first = store.put("a", b"first")
    store.put("a", b"second")
    store.copy(pin(first), "b")
    copied = store.get("b")
    assert copied is not None
    assert copied.body == b"first"


def test_what_never_changes_is_copied_without_a_pin(store: Store) -> None:
    store.put("by-hash/a", b"index")
    store.copy(Immutable("by-hash/a"), "plain", ObjectHeaders(metadata={"sha256": "00"}))
    copied = store.get("plain")
    assert copied is not None
    assert (copied.body, copied.head.metadata) == (b"index", {"sha256": "00"})
    with pytest.raises(ObjectChanged):
        store.copy(Immutable("by-hash/b"), "plain")


def test_a_list_is_in_key_order_and_spans_pages(store: Store) -> None:
    count = 1100
    for number in reversed(range(count)):
        store.put(f"q/{number:05}", b"")
    store.put("r/other", b"")
    assert [head.key for head in store.list("q/")] == [f"q/{n:05}" for n in range(count)]


def test_a_list_shows_current_objects_only(store: Store) -> None:
    store.put("q/a", b"old")
    new = store.put("q/a", b"newer")
    store.put("q/b+~é", b"x")
    store.put("q/gone", b"x")
    store.delete("q/gone")
    heads = list(store.list("q/"))
    assert [head.key for head in heads] == ["q/a", "q/b+~é"]
    assert (heads[0].etag, heads[0].size) == (new.etag, 5)
    assert heads[0].last_modified <= datetime.now(UTC) + timedelta(days=3650)


def test_metadata_that_no_header_can_carry_is_refused(store: Store) -> None:
    with pytest.raises(StoreError):
        store.put("a", b"x", ObjectHeaders(metadata={"name": "Jürgen"}))
    assert store.head("a") is None
