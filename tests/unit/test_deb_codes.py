"""docs/errors.md and the codes are the same closed list."""

from __future__ import annotations

import re
from pathlib import Path

from debpress.errors import Code

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"


def test_every_code_is_documented_and_no_other() -> None:
    rows = re.findall(r"(?m)^\| `([a-z0-9-]+)` \|", PAGE.read_text())
    assert set(rows) == {str(code) for code in Code}


def test_every_row_says_what_it_means_and_what_to_do() -> None:
    for row in re.findall(r"(?m)^\| `.*$", PAGE.read_text()):
        assert len([cell for cell in row.split(" | ") if len(cell.strip(" |")) > 3]) == 3, row
