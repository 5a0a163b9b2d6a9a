"""What a publish into a large index may cost, counted: bytes put, blocks compressed, bytes held."""

from __future__ import annotations

from typing import Any

import pytest
from debpress.index import xz
from debpress.signing import Signers
from debpress.store import Object

from benchmarks.engine import INDEX, Added, fill, names
from tests.support.memory_store import MemoryStore
from tests.support.press import Press, debs

COUNT = 3000


@pytest.fixture(scope="module")
def filled(signers: Signers) -> Press:
    press = Press(signers)
    press.clock.sleep(60)
    fill(press, COUNT)
    press.clock.sleep(600)
    return press


@pytest.fixture
def press(filled: Press, signers: Signers) -> Press:
    press = Press(signers)
    press.store.restore(filled.store.snapshot())
    press.clock.sleep(3600)
    return press


def publish(press: Press, added: int, how: Added) -> None:
    new = debs(*((name, "1", "amd64") for name in names(COUNT, added, how)))
    started = press.upload("b1", new)
    press.store.bytes_put.clear()
    press.store.log.clear()
    assert press.publish(started) == "published"
    assert len(press.release().files[f"{INDEX}.gz"].sha256) == 64


def test_the_compressed_forms_are_put_once_and_the_text_never(press: Press) -> None:
    publish(press, 1, "together")
    put = press.store.bytes_put
    listed = press.release().files
    forms = [listed[INDEX + suffix] for suffix in (".gz", ".xz")]
    by_hash = {press.repository.layout.by_hash("stable", INDEX, f.sha256): f.size for f in forms}
    indices = {k: n for k, n in put.items() if "/binary-" in k and "/Packages.diff/" not in k}
    assert indices == by_hash
    assert sum(put.values()) - sum(by_hash.values()) < 40_000
    plain = [w.key for w in press.store.log if w.operation == "copy" and "/binary-" in w.key]
    assert sorted(plain) == [f"apt/dists/stable/{INDEX}{s}" for s in (".diff/Index", ".gz", ".xz")]


@pytest.mark.parametrize(("how", "blocks"), [("together", 1), ("apart", 10)])
def test_only_the_blocks_that_it_touches_are_compressed(
    press: Press, monkeypatch: pytest.MonkeyPatch, how: Added, blocks: int
) -> None:
    compressed: list[int] = []
    compress = xz.compress

    def noted(plain: bytes) -> xz.Block:
        compressed.append(len(plain))
        return compress(plain)

    monkeypatch.setattr(xz, "compress", noted)
    publish(press, 10, how)
    assert 1 <= len(compressed) <= blocks + 1


def test_no_index_is_read_whole_into_memory(press: Press, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    get = MemoryStore.get

    def noted(store: MemoryStore, key: str, *more: Any, **conditions: Any) -> Object | None:
        read.append(key)
        return get(store, key, *more, **conditions)

    monkeypatch.setattr(MemoryStore, "get", noted)
    new = press.upload("b1", debs((names(COUNT, 1, "apart")[0], "1", "amd64")))
    assert press.publish(new) == "published"
    assert read and not [key for key in read if "/binary-" in key]
