"""The bars: what a publish may cost, and what it is hoped to. A *must* that is missed is a failure,
and so is one that was not measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    AIM = "reaches the aim"
    MUST = "met"
    MISSED = "**missed**"
    NOT_MEASURED = "**not measured**"


@dataclass(frozen=True, slots=True)
class Bar:
    """`work` is what is measured, `unit` what the figures are of. As little as possible is best,
    unless the `most` is. Without an `aim`, its figure is a peer's in the same run."""

    name: str
    work: str
    unit: str
    must: float
    aim: float | None = None
    most: bool = False

    def verdict(self, measured: float | None, aim: float | None = None) -> Verdict:
        """`aim` is the peer's figure, where the bar itself has none."""
        if measured is None:
            return Verdict.NOT_MEASURED
        if not self._reaches(measured, self.must):
            return Verdict.MISSED
        wanted = self.aim if self.aim is not None else aim
        reached = wanted is not None and self._reaches(measured, wanted)
        return Verdict.AIM if reached else Verdict.MUST

    def _reaches(self, measured: float, wanted: float) -> bool:
        return measured >= wanted if self.most else measured <= wanted


BARS: Sequence[Bar] = (
    Bar("small", "10 more into 10,000, merge to flip", "s", 0.5),
    Bar("bookworm", "10 more into 63,440, open to finish", "s", 1.5, 1.0),
    Bar("bookworm-memory", "the same, peak memory", "MB", 250, 200),
    Bar("large", "10 more into 500,000, open to finish", "s", 10, 6),
    Bar("large-memory", "the same, peak memory of all steps in one process", "MB", 1000, 200),
    Bar("requests", "requests to S3 for one package, flip included", "requests", 35, 25),
    Bar("rounds", "round trips one after another until the flip", "round trips", 20, 14),
    Bar("lambda-bytes", "bytes of a 250 MB package through Lambda", "MB", 1, 1),
    Bar("bytes-put", "bytes put for one small package into 63,440", "MB", 25, 11),
    Bar("batch", "100 small packages in one batch, admission", "times faster", 5, 10, most=True),
    Bar("crowd", "50 batches at once on the local stack", "s", 15),
    Bar("crowd-flips", "the same, flips", "flips", 10, 5),
    Bar("waiting", "Lambda calls of batches while they wait", "calls a second and batch", 0.2, 0),
    Bar("download", "download after 22 changed packages of 63,440", "kB", 50, 10),
    Bar("month", "a month of the workload, without egress and key", "dollars", 3, 2),
)


@dataclass
class Figures:
    """What was measured, by a bar's name; an aim that is a peer's figure; a word beside some."""

    measured: dict[str, float] = field(default_factory=dict)
    aims: dict[str, float] = field(default_factory=dict)
    beside: dict[str, str] = field(default_factory=dict)

    def verdicts(self) -> Mapping[str, Verdict]:
        return {
            bar.name: bar.verdict(self.measured.get(bar.name), self.aims.get(bar.name))
            for bar in BARS
        }

    @property
    def failed(self) -> list[str]:
        """The works whose must was missed, or that were not measured."""
        verdicts = self.verdicts()
        bad = (Verdict.MISSED, Verdict.NOT_MEASURED)
        return [bar.work for bar in BARS if verdicts[bar.name] in bad]
