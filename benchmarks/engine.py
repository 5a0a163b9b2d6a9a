"""What a publish costs from merge to flip, by the size of the index that it goes into.

`python -m benchmarks.engine fill BUCKET COUNT` makes a suite of so many packages, upon the S3 that
AWS's environment variables lead to. `python -m benchmarks.engine add BUCKET COUNT PACKAGES HOW
[MARK]` publishes so many more and prints a line of JSON; HOW is `together` (names that are
neighbours, as of one source) or `apart` (each in another part of the index). MARK makes the names
others, so that a suite takes several rounds. All steps are in this one process, and it measures one
publish, since its peak memory is that of its whole life.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal, cast, get_args

from debpress.adapters import s3
from debpress.clock import SystemClock
from debpress.index import packages
from debpress.layout import index_name
from debpress.records.generation import Generation
from debpress.records.messages.commit import CommitInput
from debpress.records.messages.sign import SignInput
from debpress.steps import commit, sign
from debpress.store import Head
from debpress.suite.merge import identified

from benchmarks.synthetic import Synthetic
from tests.support.clock import FakeClock
from tests.support.memory_store import MemoryStore
from tests.support.press import Press, debs, quick_signers
from tests.support.state_machine import Function

Added = Literal["together", "apart"]
SUITE = "stable"
INDEX = index_name("main", "amd64")


@dataclass(slots=True)
class Cost:
    """Of one publish, by step: seconds, the processor's seconds, bytes put; requests by method; MB
    of memory at the peak. `flip` is from the begin of merge until InRelease is put, in seconds."""

    count: int
    added: int
    how: str
    seconds: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    bytes_put: dict[str, int] = field(default_factory=dict)
    requests: Mapping[str, int] = field(default_factory=dict)
    peak_mb: float = 0.0
    flip: float = 0.0


class Counting(s3.S3Store):
    """S3, and what was asked of it."""

    def __init__(self, client: Any, bucket: str) -> None:
        super().__init__(client, bucket)
        self.requests: Counter[str] = Counter()
        self.bytes_put = 0
        self.flipped_at = 0.0
        client.meta.events.register("before-send.s3", self._count)

    def put(self, key: str, *args: Any, **more: Any) -> Head:
        head = super().put(key, *args, **more)
        if key.endswith("/InRelease"):
            self.flipped_at = time.perf_counter()
        return head

    def _count(self, request: Any, **_: Any) -> None:
        kind = "COPY" if "x-amz-copy-source" in request.headers else request.method
        self.requests[kind] += 1
        if kind == "PUT":
            self.bytes_put += int(request.headers.get("Content-Length") or 0)


class Measured(Press):
    """A press upon S3, in real time."""

    def __init__(self, bucket: str, client: Any = None) -> None:
        super().__init__(quick_signers(), cast(FakeClock, SystemClock()))
        self.counting = Counting(client or s3.client(), bucket)
        self.store = cast(MemoryStore, self.counting)
        self.cost = Cost(0, 0, "")
        self.merged_at = 0.0

    def functions(self) -> dict[str, Function]:
        return {name: self._timed(name, step) for name, step in super().functions().items()}

    def _timed(self, name: str, step: Function) -> Function:
        def timed(given: dict[str, Any]) -> dict[str, Any]:
            before = self.counting.bytes_put, time.perf_counter(), time.process_time()
            if name == "merge":
                self.merged_at = before[1]
            answer: dict[str, Any] = step(given)
            after = self.counting.bytes_put, time.perf_counter(), time.process_time()
            cost = self.cost
            counted: tuple[dict[str, Any], ...] = (cost.bytes_put, cost.seconds, cost.cpu)
            for one, spent in zip(
                counted,
                (now - then for now, then in zip(after, before, strict=True)),
                strict=True,
            ):
                one[name] = one.get(name, 0) + round(spent, 3)
            return answer

        return timed


def fill(press: Press, count: int) -> None:
    """Makes amd64's index of the suite one of so many packages, by a flip of its own. The packages
    themselves are not there: a publish asks for none that is in the index already."""
    press.set_up()
    built = packages.build(Synthetic(count).entries())
    suite = press.archive.suite(SUITE)
    state = suite.published()
    assert state is not None
    sums = {INDEX: built.plain, **{INDEX + s: f.checksum for s, f in built.compressed.items()}}
    listed = replace(state.release, files={**state.release.files, **sums})
    listed = listed.dated(listed.date + timedelta(seconds=1))
    record = identified(
        Generation(
            id="",
            number=2,
            suite=SUITE,
            parent=state.as_parent(),
            date=f"{listed.date:%Y-%m-%dT%H:%M:%SZ}",
            cause="set-up",
            by=None,
            release=listed.render().decode(),
        )
    )
    suite.keep_generation(record, {INDEX: built})
    sign.run(press.services, SignInput(SUITE, record.id), lambda: press.signers)
    commit.run(press.services, CommitInput(SUITE, record.id), press.keys)


def names(count: int, added: int, how: Added, mark: str = "") -> list[str]:
    """The names of packages to be added to so many."""
    index = Synthetic(count)
    if how == "together":
        return [f"{index.name_behind(0.4)}{mark}{n}" for n in range(added)]
    return [index.name_behind((n + 0.5) / added) + mark for n in range(added)]


def add(press: Measured, count: int, added: int, how: Added, mark: str = "") -> Cost:
    """Publishes so many more packages."""
    uploaded = debs(*((name, "1", "amd64") for name in names(count, added, how, mark)))
    started = press.upload(f"b{time.time_ns()}", uploaded)
    press.counting.requests.clear()
    press.cost = Cost(count, added, how)
    status = press.publish(started)
    assert status == "published", status
    press.cost.flip = round(press.counting.flipped_at - press.merged_at, 3)
    press.cost.requests = dict(press.counting.requests)
    press.cost.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return press.cost


def main(asked: str, bucket: str, count: str, *more: str) -> None:
    press = Measured(bucket)
    if asked == "fill":
        press.counting._client.create_bucket(Bucket=bucket)
        press.counting._client.put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
        )
        fill(press, int(count))
        return
    added, how, *mark = more
    assert how in get_args(Added), how
    print(json.dumps(asdict(add(press, int(count), int(added), cast(Added, how), *mark))))


if __name__ == "__main__":
    main(*sys.argv[1:])
