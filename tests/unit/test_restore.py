"""What somebody deleted comes back: everything that published releases name, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from debpress.archive.restoration import Restoration, Restored
from debpress.store import Object

from tests.support.memory_store import MemoryStore
from tests.support.press import Press, debs

SUITES = ("stable", "testing")


@dataclass
class Versions:
    """The history of a bucket in memory."""

    store: MemoryStore

    def versions(self, key: str) -> list[str]:
        return list(self.store.versions(key))

    def read(self, key: str, version: str) -> Object | None:
        return self.store.get(key, version)

    def revive(self, key: str, version: str) -> None:
        found = self.store.get(key, version)
        assert found is not None
        self.store.put(key, found.body)


@pytest.fixture
def full(press: Press) -> Press:
    for number in range(3):
        files = debs((f"p{number}", "1", "all"), (f"q{number}", "2", "amd64"))
        press.publish(press.upload(f"b{number}", files))
    press.publish(press.operate("o1", {"op": "remove", "packages": ["p0"]}))
    return press


def restore(press: Press, *, dry_run: bool = False) -> Restored:
    history = Versions(press.store)
    return Restoration(press.store, press.archive, history, dry_run).run(SUITES)


def delete(press: Press, *prefixes: str) -> list[str]:
    keys = [key for prefix in prefixes for key in press.store.keys(prefix)]
    for key in keys:
        press.store.delete(key)
    return keys


def is_whole(press: Press) -> bool:
    return press.packages() == {
        *((f"p{n}", "1", "all") for n in (1, 2)), *((f"q{n}", "2", "amd64") for n in range(3))
    }  # fmt: skip


def test_a_deleted_pool_comes_back_as_far_as_it_is_named(full: Press) -> None:
    gone = delete(full, "apt/pool/")
    done = restore(full)
    assert is_whole(full) and not done.lost
    assert set(done.back) == {key for key in gone if "/p0/" not in key}


def test_a_deleted_root_comes_back(full: Press) -> None:
    before = {suite: full.release(suite) for suite in SUITES}
    delete(full, "apt/")
    done = restore(full)
    assert is_whole(full) and not done.lost and not done.untold
    assert {suite: full.release(suite) for suite in SUITES} == before
    found = full.store.head("apt/dists/stable/InRelease")
    assert found is not None and found.metadata["generation"].startswith("0000000")
    full.clock.sleep(60)
    assert full.publish(full.upload("after", debs(("after", "1", "all")))) == "published"


def test_a_dry_run_says_so_and_does_nothing(full: Press) -> None:
    delete(full, "apt/pool/")
    writes = len(full.store.log)
    planned = restore(full, dry_run=True)
    assert len(full.store.log) == writes and not full.store.keys("apt/pool/")
    assert sorted(planned.back) == sorted(restore(full).back)


def test_a_dry_run_can_t_tell_what_deleted_indices_name(full: Press) -> None:
    delete(full, "apt/dists/stable/main/")
    planned = restore(full, dry_run=True)
    assert planned.untold == ["stable"]
    assert all("/by-hash/" in key for key in planned.back)


def test_an_index_that_was_replaced_is_put_back_as_its_name_says(full: Press) -> None:
    indices = [k for k in full.store.keys("apt/dists/stable/main/") if "/by-hash/" in k]
    for key in indices:
        full.store.put(key, b"nonsense")
    done = restore(full)
    assert done.lost == [] and done.back and is_whole(full)


def test_what_has_no_version_left_is_said_to_be_lost(full: Press) -> None:
    (key,) = [key for key in full.store.keys("apt/pool/") if "/q1/" in key]
    head = full.store.head(key)
    assert head is not None
    full.store.delete(key, head.version_id)
    done = restore(full)
    assert done.lost == [key] and not done.back


def test_a_publish_that_comes_first_stays(full: Press) -> None:
    """InRelease is put back only where there is none."""
    delete(full, "apt/dists/stable/InRelease")
    raced: list[str] = []

    def publish(operation: str, key: str) -> None:
        if key.endswith("stable/InRelease") and not raced:
            raced.append(key)
            full.store.put(key, b"newer")

    full.store.on_write = publish
    done = restore(full)
    full.store.on_write = None
    assert raced and full.store.body("apt/dists/stable/InRelease") == b"newer"
    assert "apt/dists/stable/InRelease" not in done.back


def test_a_whole_archive_is_left_alone(full: Press) -> None:
    writes = len(full.store.log)
    assert restore(full) == Restored()
    assert len(full.store.log) == writes
