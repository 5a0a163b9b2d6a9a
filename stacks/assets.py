"""Where the functions' code and the layers are: in a checkout, or in the wheel (local/release)."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent
_CARRIED = _HERE / "assets"

ROOT = _CARRIED if _CARRIED.is_dir() else _HERE.parent
LAMBDAS = ROOT / "lambdas"
LAYERS = ROOT / "layers"
