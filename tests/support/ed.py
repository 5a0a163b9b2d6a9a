"""Applies the ed scripts of PDiffs, for tests that do so by the thousand; apt's own program judges
those of tests/unit/test_pdiff.py."""

from __future__ import annotations

import re

_COMMAND = re.compile(rb"(\d+)(?:,(\d+))?([acd])\n")


def applied(text: bytes, script: bytes) -> bytes:
    """The text after a script, whose commands go from its last line to its first."""
    lines = text.splitlines(keepends=True)
    commands = iter(script.splitlines(keepends=True))
    for command in commands:
        found = _COMMAND.fullmatch(command)
        assert found is not None, command
        first, last = int(found[1]), int(found[2] or found[1])
        come = []
        if found[3] != b"d":
            while (line := next(commands)) != b".\n":
                come.append(line)
        start = first if found[3] == b"a" else first - 1
        lines[start:last] = come
    return b"".join(lines)
