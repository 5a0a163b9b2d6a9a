"""The fuzzing process of one target: `python -m tests.fuzz.one TARGET [libFuzzer's options]`."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[2] / "layers/debpress/python"))

# Only our own code is watched: what it imports has its own fuzzers.
with atheris.instrument_imports(include=["debpress"]):
    from tests.fuzz.targets import ANY, TARGETS

name = sys.argv.pop(1)
atheris.Setup(sys.argv, TARGETS.get(name, ANY).run)
atheris.Fuzz()
