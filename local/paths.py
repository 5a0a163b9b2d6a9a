"""The paths of the local stack's files, all below the checkout."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

VENV = ROOT / ".venv"
BIN = VENV / "bin"

# This folder can be deleted whenever neither the stack nor the tests run.
LOCAL = ROOT / ".local"
EMULATOR_VENV = LOCAL / "emulator"
OUTPUTS = LOCAL / "outputs.json"
PACKAGES = LOCAL / "packages"
RUNS = LOCAL / "runs"
# The pages that the last demo made.
PAGE = LOCAL / "page"
