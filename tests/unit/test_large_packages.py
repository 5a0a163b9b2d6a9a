"""A large package goes through the press in pieces, whoever vouches for its sum."""

from __future__ import annotations

import hashlib
import mmap
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from debpress.signing import Signers

from tests.support import debs
from tests.support.press import Press, event

SIZE = 300 * 10**6
KEY = "staging/stable/main/large/foo_1.0_all.deb"


@pytest.fixture
def large(tmp_path: Path) -> Iterator[mmap.mmap]:
    """A package of 300 MB that takes no memory and next to no disk."""
    path = tmp_path / "foo.deb"
    head = debs.ar([debs.FORMAT, ("control.tar", debs.tar([("./control", debs.control())]))])
    with path.open("wb") as file:
        file.write(head + debs.member("data.tar", b"", size=SIZE))
        file.truncate(file.tell() + SIZE)
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as body,
    ):
        yield body


def test_300_mb_are_validated_in_a_few(signers: Signers, large: mmap.mmap) -> None:
    press = Press(signers)
    press.set_up()
    press.clock.sleep(600)
    press.store.put(KEY, b"")
    # As S3 keeps what came in parts: without a sum of the whole.
    [version] = press.store._objects[KEY]
    press.store._objects[KEY] = (replace(version, body=large, sha256=None),)
    sums = f"{hashlib.sha256(large).hexdigest()}  foo_1.0_all.deb\n"
    head = press.store.put("staging/stable/main/large/SHA256SUMS", sums.encode())
    steps = press.steps(event(head.key, head.etag, head.version_id))
    tracemalloc.start()
    try:
        next(steps)  # open
        next(steps)  # admit
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    *_, status = steps
    assert status == "published", press.result("large")
    assert press.result("large")["packages"][0]["size"] == len(large) > SIZE
    assert peak < 16 * 10**6
