"""With SSE-KMS an ETag says nothing of the bytes (S3 API reference, "Object")."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import pytest
from debpress.signing import Signers

from tests.support.memory_store import MemoryStore
from tests.support.press import Press, debs

A, B = debs(("a", "1", "all")), debs(("b", "1", "all"))


class Encrypted(MemoryStore):
    """A store whose ETags are of the write and not of what was written."""

    def _add(self, key: str, body: bytes, etag: str, *rest: Any) -> Any:
        return super()._add(key, body, hashlib.sha256(self._id().encode()).hexdigest(), *rest)


@pytest.fixture
def press(signers: Signers) -> Press:
    press = Press(signers)
    press.store = Encrypted(press.clock)
    press.set_up()
    press.clock.sleep(600)
    return press


def test_etags_are_no_sums_here(press: Press) -> None:
    first, again = (press.store.put("x", b"x").etag for _ in range(2))
    assert first != again and hashlib.md5(b"x", usedforsecurity=False).hexdigest() not in first


def test_batches_are_published_again_mended_and_rolled_back(press: Press) -> None:
    assert press.publish(press.upload("one", A)) == "published"
    press.clock.sleep(60)
    assert press.publish(press.upload("again", A)) == "published"
    assert [each["action"] for each in press.result("again")["packages"]] == ["unchanged"]
    wrong = {"version": 1, "files": [{"name": next(iter(B)), "sha256": "0" * 64}]}
    assert press.publish(press.upload("two", B, manifest=wrong)) == "rejected"
    assert {each["code"] for each in press.result("two")["errors"]} == {"sum-mismatch"}
    assert press.publish(press.upload("two", B)) == "published"
    generation = press.result("one")["generation"]
    press.clock.sleep(60)
    back = press.operate("back", {"op": "rollback", "to": generation})
    assert press.publish(back) == "published"
    assert [each["action"] for each in press.result("back")["packages"]] == ["removed"]


def test_an_event_that_comes_twice_does_nothing_twice(press: Press) -> None:
    started = press.upload("one", A)
    assert press.publish(started) == "published"
    before = press.store.head("apt/dists/stable/InRelease")
    press.publish(started)
    assert press.store.head("apt/dists/stable/InRelease") == before


def test_two_that_race_lose_nothing(press: Press) -> None:
    racing = [press.steps(press.upload(name, each)) for name, each in (("one", A), ("two", B))]
    press.interleave(racing, random.Random(4))
    assert {press.result(name)["status"] for name in ("one", "two")} == {"published"}
