"""The table of bars, printed, kept as JSON, and written into docs/performance.md."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.bars import BARS, Bar, Figures

PLACE = Path(__file__).resolve().parent.parent
LATEST = PLACE / "benchmarks" / "latest.json"
PERFORMANCE = PLACE / "docs" / "performance.md"

_BEGIN, _END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"


def machine() -> dict[str, Any]:
    """The machine, and how busy it is at this moment: with what else it does, seconds grow."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text("utf-8").splitlines() if cpu.exists() else []
    model = next((x.partition(":")[2].strip() for x in lines if x.startswith("model name")), "")
    return {
        "processor": model or platform.machine(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "load": round(os.getloadavg()[0], 1),
    }


def table(figures: Mapping[str, Any]) -> str:
    """The bars in Markdown; `figures` are those of `as_json`."""
    lines = ["| work | unit | must | aim | measured | | beside |", "|---|---|---|---|---|---|---|"]
    for bar in BARS:
        found = figures["bars"][bar.name]
        measured = "" if found["measured"] is None else _number(found["measured"])
        lines.append(
            f"| {bar.work} | {bar.unit} | {_least(bar)}{_number(bar.must)} | {_aim(bar, found)} | "
            f"{measured} | {found['verdict']} | {found['beside']} |"
        )
    return "\n".join(lines)


def as_json(
    figures: Figures, begun: Mapping[str, Any], details: Mapping[str, Any]
) -> dict[str, Any]:
    """What `latest.json` holds. `begun` is the machine when the run began."""
    verdicts = figures.verdicts()
    return {
        "machine": {**begun, "load_at_the_end": round(os.getloadavg()[0], 1)},
        "bars": {
            bar.name: {
                "measured": figures.measured.get(bar.name),
                "must": bar.must,
                "aim": figures.aims.get(bar.name, bar.aim),
                "unit": bar.unit,
                "verdict": str(verdicts[bar.name]),
                "beside": figures.beside.get(bar.name, ""),
            }
            for bar in BARS
        },
        **details,
    }


def section(latest: Mapping[str, Any]) -> str:
    """What stands between the marks in docs/performance.md."""
    on = latest["machine"]
    return (
        f"{_BEGIN}\n\n"
        f"{on['date']}, {on['processors']} processors ({on['processor']}), Python {on['python']}; "
        f"load {on['load']} when it began and {on['load_at_the_end']} when it ended. Seconds are "
        "medians of some rounds upon an S3 server on the same machine.\n\n"
        f"{table(latest)}\n\n{_END}"
    )


def write(latest: Mapping[str, Any]) -> None:
    """Writes `latest.json`, and the table into docs/performance.md."""
    LATEST.write_text(json.dumps(latest, indent=2) + "\n", "utf-8")
    page = PERFORMANCE.read_text("utf-8")
    before, _, rest = page.partition(_BEGIN)
    PERFORMANCE.write_text(before + section(latest) + rest.partition(_END)[2], "utf-8")


def _aim(bar: Bar, found: Mapping[str, Any]) -> str:
    if found["aim"] is None:
        return ""
    return f"{_least(bar)}{_number(found['aim'])}"


def _least(bar: Bar) -> str:
    return "at least " if bar.most else ""


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
