"""A smoke run of every target, and what long runs found, kept."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.fuzz.__main__ import available, fuzz
from tests.fuzz.targets import TARGETS

SECONDS = 10


if available():  # Installed by `make test`, where it has a wheel.

    def test_some_seconds_of_fuzzing_find_nothing(tmp_path: Path) -> None:
        assert fuzz("any", SECONDS, tmp_path) == 0


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_cut_and_spliced_break_nothing(name: str) -> None:
    """Without atheris, and the same each time: damage by chance, seeded."""
    chance = random.Random(name)
    for seed in TARGETS[name].seeds:
        TARGETS[name].run(seed)
        for _ in range(60):
            data = bytearray(seed)
            for _ in range(chance.randint(1, 4)):
                at = chance.randrange(len(data) + 1)
                data[at : at + chance.choice([0, 1, 4, 100])] = chance.randbytes(
                    chance.randint(0, 4)
                )
            TARGETS[name].run(bytes(data))


_RELEASE = b"Date: Mon, 23 Nov 2026 01:02:03 UTC\nSHA256:\n %s\n"

# Each was an exception nobody had promised.
FOUND = [
    ("release", _RELEASE % b"0 1"),
    ("release", _RELEASE % b"0 x y"),
    ("release", _RELEASE % (b"0" * 64 + b" 1_0 y")),
    ("release", b"Date: Mon, 31 Dec 9999 23:59:59 -2359\n"),
    ("packages", b"\x1f\x8b\x08 no gzip"),
    # A time of 27 bytes.
    ("packets", bytes.fromhex("8829 04001608 001d 1c02" + "ff" * 27 + "0000 0000 0000")),
    ("operations", b'{"version": 1, "operations": [{"op": ["prune"]}]}'),
    ("operations", b'{"version": 1, "operations": [{"op": {}}]}'),
    *(
        (target, json.dumps({"version": 0}).encode().replace(b"0", b"[" * depth + b"]" * depth))
        for target in ("manifest-json", "operations")
        for depth in (150, 900, 2_000, 100_000)
    ),
]


@pytest.mark.parametrize(("name", "data"), FOUND, ids=lambda value: repr(value)[:40])
def test_what_was_found_stays_mended(name: str, data: bytes) -> None:
    TARGETS[name].run(data)
