"""What a waiting execution is told."""

from __future__ import annotations

from enum import StrEnum


class Told(StrEnum):
    """What a waiting execution is told, as the `outcome` by which the machine chooses."""

    ANSWERED = "answered"  # The result of its batch is written.
    AGAIN = "again"  # It leads now.
