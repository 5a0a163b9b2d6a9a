"""A large package goes through the press in pieces, whoever vouches for its sum."""

from __future__ import annotations

import mmap
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from debpress.signing import Signers

from tests.support import large
from tests.support.press import Press

SIZE = 64 * 10**6


@pytest.fixture
def body(tmp_path: Path) -> Iterator[mmap.mmap]:
    with large.package(tmp_path, SIZE) as body:
        yield body


@pytest.mark.parametrize("sums", [True, False], ids=["sums by S3", "no sums"])
def test_64_mb_are_validated_in_a_few(signers: Signers, body: mmap.mmap, sums: bool) -> None:
    """Less than one goes through the function where S3 gives the sum with a copy."""
    press = Press(signers)
    press.store.sums = sums
    press.set_up()
    press.clock.sleep(600)
    steps = press.steps(large.upload(press, {"foo": body}))
    tracemalloc.start()
    try:
        next(steps)  # open
        press.store.bytes_read = 0
        next(steps)  # admit
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    *_, status = steps
    assert status == "published", press.result("large")
    assert press.result("large")["packages"][0]["size"] == len(body) > SIZE
    assert peak < 16 * 10**6
    assert press.store.bytes_read < 10**6 + (0 if sums else len(body))
