"""Where things of the local stack are kept: all of it below the checkout."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

VENV = ROOT / ".venv"
BIN = VENV / "bin"

# Everything here can be deleted at any time when nothing runs.
LOCAL = ROOT / ".local"
EMULATOR_VENV = LOCAL / "emulator"
OUTPUTS = LOCAL / "outputs.json"
PACKAGES = LOCAL / "packages"
RUNS = LOCAL / "runs"
