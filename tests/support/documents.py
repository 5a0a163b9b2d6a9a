"""The commands of the pages, typed as a person would."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from local import paths


def blocks(page: str, section: str = "") -> list[str]:
    """The blocks of a page, or of its section of that title, that are for a shell."""
    return fenced(page, section, "sh")


def fenced(page: str, section: str, language: str) -> list[str]:
    """Those in a language."""
    text = (paths.ROOT / page).read_text("utf-8")
    if section:
        text = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    block = re.compile(rf"^```{language}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return block.findall(text)


def sh(script: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs a block as a person's shell would, the commands of .venv at hand."""
    path = f"{paths.BIN}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-eu", "-c", script], cwd=folder, env={**environment, "PATH": path},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
