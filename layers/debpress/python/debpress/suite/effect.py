"""What a batch did to the draft of a suite."""

from __future__ import annotations

from dataclasses import dataclass

from debpress.records.generation import PackageOutcome


@dataclass(frozen=True, slots=True)
class Effect:
    """What came and what went; and, after a partial prune, how many versions are left for the
    next one."""

    packages: tuple[PackageOutcome, ...]
    left_over: int = 0
