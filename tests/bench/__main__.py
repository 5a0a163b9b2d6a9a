"""What a publish costs, as ratios within one run: machines differ, shapes don't.

`python -m tests.bench`. Indices are synthetic (seeded), stanzas some 800 bytes as Debian's are.
"""

from __future__ import annotations

import random
import resource
import statistics
import time
from collections.abc import Callable

from debpress.index import packages
from debpress.index.entries import Entry, Identity

from tests.support.press import Press, debs, ed25519_signers

LARGE, SMALL, ROUNDS = 60_000, 600, 3


def index(count: int) -> packages.Built:
    chance = random.Random(count)
    words = [f"{chance.getrandbits(40):x}" for _ in range(5000)]
    return packages.build(
        entry(f"{words[n % 5000]}-{n}", " ".join(chance.choices(words, k=60))) for n in range(count)
    )


def entry(name: str, text: str) -> Entry:
    identity = Identity(name, "1.0-1", "amd64")
    stanza = f"Package: {name}\nVersion: 1.0-1\nArchitecture: amd64\nDescription: {text}\n"
    return Entry(identity, stanza.encode())


def seconds(call: Callable[[], object]) -> float:
    """The median of some rounds."""
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def requests(published: int) -> int:
    """S3 requests for one package into a suite that holds so many."""
    press = Press(ed25519_signers())
    press.set_up()
    press.clock.sleep(60)
    press.publish(
        press.upload("before", debs(*((f"p{n}", "1", "amd64") for n in range(published))))
    )
    event = press.upload("one", debs(("one", "1", "amd64")))
    press.store.requests.clear()
    press.publish(event)
    return sum(press.store.requests.values())


def main() -> None:
    built = {count: index(count) for count in (SMALL, LARGE)}
    ten = dict(entry(f"new-{n}", "x") for n in range(10))

    def edit(count: int) -> packages.Built:
        return packages.Packages(built[count].gz, built[count].xz).edit(ten)

    large = packages.Packages(built[LARGE].gz, built[LARGE].xz)
    whole = list(large.entries())
    rebuild = seconds(lambda: packages.build(whole))
    small_edit, large_edit = seconds(lambda: edit(SMALL)), seconds(lambda: edit(LARGE))
    print(
        f"ten packages into {LARGE} stanzas: {large_edit:.2f} s, 1/{rebuild / large_edit:.0f} of "
        f"building it anew ({rebuild:.1f} s)"
    )
    print(
        f"  and {large_edit / small_edit:.1f} times what {SMALL} stanzas take, "
        f"an index {LARGE // SMALL} times smaller"
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  peak memory of this whole run: {peak:.0f} MB")
    few, many = requests(1), requests(300)
    print(f"S3 requests for one package: {few} beside one other, {many} beside 300")


if __name__ == "__main__":
    main()
