"""More than a page of keys under each prefix that is listed: S3 gives 1,000 at a time.

The real adapter, over moto's S3, whose clock is the machine's: so the press lives ten days ago.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from debpress import codec
from debpress.adapters import s3
from debpress.clock import SystemClock
from debpress.inspection.status import status
from debpress.inspection.verification import verify
from debpress.layout import Batch
from debpress.records.batch import ManifestRef
from debpress.records.messages.merge import MergeInput
from debpress.records.result import Result
from debpress.steps import merge, reap
from debpress.steps.services import Services
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from tests.support.clock import FakeClock
from tests.support.press import Press, debs, ed25519_signers
from tests.support.simulated_s3 import versioned

BUCKET = "press-of-the-tests"
MORE = 1100
LONG_AGO = datetime.now(UTC) - timedelta(days=10)


@dataclass
class Full:
    """A press whose objects moto has now, as old as they are."""

    press: Press
    store: s3.S3Store
    backend: Any

    @property
    def services(self) -> Services:
        return Services(self.store, self.press.repository, SystemClock())

    def put(self, key: str, body: bytes, modified: datetime, metadata: Any = None) -> None:
        """Without a request: thousands of those would take a minute."""
        made = self.backend.put_object(BUCKET, key, body)
        made.set_metadata(metadata or {})
        made.last_modified = modified.replace(tzinfo=None)


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Iterator[Full]:
    clock = FakeClock(LONG_AGO)
    press = Press(ed25519_signers(clock), clock=clock)
    press.set_up()
    press.clock.sleep(60)
    both = debs(("shared", "1", "all"), ("own", "1", "all"))
    for suite in ("stable", "testing"):
        assert press.publish(press.upload("b1", both, suite=suite)) == "published"
    press.configure(keep=1)
    with versioned(BUCKET, monkeypatch) as client:
        yield Full(press, s3.S3Store(client, BUCKET), s3_backends[DEFAULT_ACCOUNT_ID]["aws"])


def moved(full: Full) -> None:
    """What the press has in memory is in S3 now."""
    for key in full.press.store.keys(""):
        found = full.press.store.get(key)
        assert found is not None
        full.put(key, found.body, found.head.last_modified, dict(found.head.metadata))


def test_the_reaper_sees_the_last_of_them(full: Full) -> None:
    """Kept ones fill the first page of the pool and of dists; what is to go comes after them."""
    press = full.press
    newer = debs(("shared", "2", "all"))
    assert press.publish(press.upload("b2", newer)) == "published"
    assert press.publish(press.operate("p", {"op": "prune"})) == "published"
    moved(full)
    now = datetime.now(UTC)
    for n in range(MORE):
        full.put(f"apt/pool/main/0/0/{n:016}/x.deb", b"x", now)
        full.put(f"apt/dists/stable/0/binary-amd64/by-hash/SHA256/{n:064}", b"x", now)
    gone = f"apt/dists/stable/z/binary-amd64/by-hash/SHA256/{'f' * 64}"
    full.put(gone, b"x", LONG_AGO)
    full.put("apt/pool/main/z/z/0/x.deb", b"x", LONG_AGO)
    full.put("apt/pool/main/z/z/1/x.deb", b"x", LONG_AGO)

    reaped = reap.run(full.services)

    assert {gone, "apt/pool/main/z/z/0/x.deb", "apt/pool/main/z/z/1/x.deb"} <= set(reaped.keys)
    # It was pruned in one suite, and the other has it still.
    assert not [i for i in press.packages() if (i.package, i.version) == ("shared", "1")]
    assert [i for i in press.packages(suite="testing") if (i.package, i.version) == ("shared", "1")]
    assert not [key for key in reaped.keys if "shared" in key]
    report = verify(full.services.archive, SystemClock(), ["stable", "testing"])
    assert not [f for f in report.findings if "pool" in f.key or "by-hash" in f.key]


def test_every_batch_that_waits_is_taken(full: Full) -> None:
    press = full.press
    steps = press.steps(press.upload("w", debs(("w", "1", "all"))))
    while not press.store.keys("state/stable/queue/"):
        next(steps)
    moved(full)
    (key,) = press.store.keys("state/stable/queue/")
    entry = json.loads(press.store.body(key))
    for n in range(MORE):
        run = f"{entry['plan']['run']}-{n}"
        each = {**entry, "plan": {**entry["plan"], "run": run}}
        full.put(f"state/stable/queue/{run}.json", json.dumps(each).encode(), LONG_AGO)

    merged = merge.run(full.services, MergeInput("stable", None))

    assert merged.generation is not None
    record = full.services.archive.suite("stable").generation(merged.generation)
    assert len({each.run for each in record.batches}) == MORE + 1


def test_status_finds_the_last_of_what_is_staged_and_answered(full: Full) -> None:
    moved(full)
    now = datetime.now(UTC)
    batch = Batch("stable", "main", "zz")
    answer = Result(
        batch=batch,
        manifest=ManifestRef(f"{batch.staging}manifest.json", "an earlier one", None),
        status="failed",
        generation=None,
        release_date=None,
        packages=(),
        ignored=(),
        errors=(),
        started_at="2026-11-23T00:00:00Z",
        finished_at="2026-11-23T00:00:00Z",
        execution="execution-1",
    )
    for n in range(MORE):
        full.put(f"staging/stable/main/a/{n:05}.deb", b"x", LONG_AGO)
        full.put(f"results/stable/main/a{n:05}.json", b"{}", LONG_AGO)
    full.put("staging/stable/main/zz/manifest.json", b"{}", LONG_AGO)
    full.put("staging/stable/main/zzz/manifest.json", b"{}", LONG_AGO)
    full.put("results/stable/main/zz.json", codec.dump(answer), now)

    said = status(full.services.archive, "stable")

    waiting = {each.batch for each in said.waiting}
    assert "stable/main/zzz" in waiting and "stable/main/zz" not in waiting
    assert [each.batch for each in said.troubles] == ["stable/main/zz"]
