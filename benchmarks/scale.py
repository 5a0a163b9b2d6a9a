"""How long a batch waits in a busy suite: many publishers, one flip at a time (docs/scale.md).

A simulation, not a measurement: batches arrive at random, each flip takes all that wait, and the
next one begins when it is over. What a flip takes is given. `python -m benchmarks.scale` prints the
table of docs/scale.md.
"""

from __future__ import annotations

import random
import statistics
from collections import deque
from dataclasses import dataclass

# At least a second lies between two flips of a suite (law 2).
LEAST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Flip:
    """What a flip of some batches takes: `seconds`, and `each` more for every batch in it."""

    seconds: float
    each: float

    def of(self, batches: int) -> float:
        return max(LEAST_SECONDS, self.seconds + self.each * batches)


@dataclass(frozen=True, slots=True)
class Waited:
    """Of all batches: seconds from being queued to being visible; and batches a flip, on average.

    Where batches come faster than flips can take them, the queue only grows, and `keeps_up` is
    false.
    """

    median: float
    worst_of_100: float
    batches_a_flip: float
    keeps_up: bool


def simulate(a_second: float, flip: Flip, *, seconds: float = 600.0, seed: int = 1) -> Waited:
    """So many batches a second for so long a time."""
    chance = random.Random(seed)
    arrivals: deque[float] = deque()
    at = 0.0
    while (at := at + chance.expovariate(a_second)) < seconds:
        arrivals.append(at)
    now, waits, sizes = 0.0, [], []
    while arrivals:
        now = max(now, arrivals[0])
        taken = []
        while arrivals and arrivals[0] <= now:
            taken.append(arrivals.popleft())
        now += flip.of(len(taken))
        waits += [now - each for each in taken]
        sizes.append(len(taken))
    waits.sort()
    return Waited(
        statistics.median(waits),
        waits[int(len(waits) * 0.99)],
        statistics.mean(sizes),
        # The time that it took beyond the last arrival is a few flips, or a growing queue.
        keeps_up=now - seconds < 10 * flip.of(int(a_second * 10)),
    )


# A small suite, one as large as bookworm main, and one of
# half a million packages. A further batch costs the merge a read of its verdict, side by side.
KINDS = {
    "10,000 packages": Flip(1.5, 0.004),
    "63,440 packages": Flip(2.5, 0.006),
    "500,000 packages": Flip(9.0, 0.01),
}
RATES = (0.1, 1, 10, 100)


def table() -> str:
    """The table, in Markdown."""
    head = "| suite | batches a second | batches a flip | visible after: half | 99 of 100 |"
    lines = [head, "|---|---|---|---|---|"]
    for name, flip in KINDS.items():
        for rate in RATES:
            found = simulate(rate, flip)
            spent = f"{found.median:.1f} s | {found.worst_of_100:.1f} s"
            if not found.keeps_up:
                spent = "the queue only grows |"
            lines.append(f"| {name} | {rate:g} | {found.batches_a_flip:.0f} | {spent} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
