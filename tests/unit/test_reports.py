"""What a prune took out, that one was refused, and what a reaping deleted: told once, and true."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from debpress import concurrency
from debpress.errors import DebpressError, StoreError, TransientError
from debpress.inspection.history import history
from debpress.layout import Layout
from debpress.records.generation import Generation
from debpress.records.messages.finish import Ended, FinishInput
from debpress.steps import deletion, finish, prune, reap
from debpress.steps.reap import Reaped

from tests.support.memory_store import MemoryStore
from tests.support.press import Press, deb, debs

DAY = 86400.0
PRUNE = {"op": "prune"}


class Metrics:
    """A `Measure` that adds up."""

    def __init__(self) -> None:
        self.said: dict[tuple[str | None, str], float] = {}

    def __call__(self, suite: str | None, /, **values: float) -> None:
        for name, value in values.items():
            self.said[suite, name] = self.said.get((suite, name), 0) + value


@pytest.fixture
def crowded(press: Press) -> Press:
    """Two packages of three versions each, of which one may stay."""
    files = debs(*((p, str(n), "all") for p in "ab" for n in range(3)))
    assert press.publish(press.upload("b1", files)) == "published"
    press.configure(keep=1, prune_share=1)
    return press


def newest(press: Press) -> Generation:
    record = press.archive.suite("stable").committed()
    assert record is not None
    return record


def told(press: Press, record: Generation, run: str | None, metrics: Metrics) -> str | None:
    services = replace(press.services, measure=metrics)
    return finish.run(services, FinishInput("stable", run, Ended.PUBLISHED, record.id)).status


def flipped(press: Press, *operations: dict[str, Any]) -> tuple[Generation, str]:
    """Operations that are published and not yet answered."""
    before = newest(press).id
    steps = press.steps(press.operate("o1", *operations))
    while newest(press).id == before:
        next(steps)
    record = newest(press)
    (outcome,) = record.batches
    return record, outcome.run


def report(press: Press, record: Generation) -> Any:
    found = press.store.get(Layout.prune_report("stable", record.id))
    return None if found is None else json.loads(found.body)


# Prunes


def test_a_prune_reports_each_version_and_its_bytes(crowded: Press) -> None:
    record, run = flipped(crowded, PRUNE)
    assert report(crowded, record) is None
    metrics = Metrics()
    assert told(crowded, record, run, metrics) == "published"
    said = report(crowded, record)
    gone = {(p["package"], p["version"]) for p in said["removed"]}
    assert gone == {(p, v) for p in "ab" for v in "01"} and len(said["removed"]) == 4
    size = sum(len(deb(p, v, "all")) for p in "ab" for v in "01")
    assert said["unnamed_bytes"] == size
    assert {p["component"] for p in said["removed"]} == {"main"}
    assert (said["suite"], said["generation"]) == ("stable", record.number)
    assert metrics.said == {("stable", "VersionsPruned"): 4, ("stable", "BytesUnnamed"): size}
    flip = next(history(crowded.archive, "stable"))
    assert flip.report == Layout.prune_report("stable", record.id)


def test_a_repeat_writes_the_same_and_counts_nothing_twice(crowded: Press) -> None:
    record, run = flipped(crowded, PRUNE)
    metrics = Metrics()
    told(crowded, record, run, metrics)
    body, said = report(crowded, record), dict(metrics.said)
    crowded.clock.sleep(100)
    told(crowded, record, run, metrics)
    assert (report(crowded, record), metrics.said) == (body, said)


@pytest.mark.parametrize("write", [1, 2, 3])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_step_that_dies_at_any_write_is_made_good_by_its_repeat(
    crowded: Press, write: int, when: Any
) -> None:
    """But for one that dies between the result and the log, no metric is lost or said twice."""
    record, run = flipped(crowded, PRUNE)
    metrics = Metrics()
    crowded.store.fail_at(write, when)
    with pytest.raises(TransientError):
        told(crowded, record, run, metrics)
    told(crowded, record, run, metrics)
    assert len(report(crowded, record)["removed"]) == 4
    assert crowded.result("o1")["status"] == "published"
    counted = metrics.said.get(("stable", "VersionsPruned"), 0)
    dies_between = write == 3 or (write == 2 and when == "after")
    assert counted == (0 if dies_between else 4)


def test_a_prune_that_finds_nothing_reports_nothing(press: Press) -> None:
    assert press.publish(press.operate("o1", PRUNE)) == "published"
    assert not press.store.keys("state/stable/reports/")


def test_other_changes_are_no_prune(crowded: Press) -> None:
    crowded.publish(crowded.operate("o1", {"op": "remove", "packages": ["a"]}))
    assert not crowded.store.keys("state/stable/reports/")
    assert next(history(crowded.archive, "stable")).report is None


def refused(press: Press, event: dict[str, Any], metrics: Metrics) -> None:
    """Goes on until the batch is rejected, and tells so twice."""
    steps = press.steps(event)
    errors: list[str] = []
    while not errors:
        next(steps)
        errors = [k for k in press.store.keys("state/stable/runs/") if k.endswith("errors.json")]
    run = errors[0].split("/")[3]
    for _ in range(2):
        services = replace(press.services, measure=metrics)
        told = finish.run(services, FinishInput("stable", run, Ended.REJECTED))
        assert told.status == "rejected"


def test_a_refused_prune_is_told_once(crowded: Press) -> None:
    crowded.configure(keep=1, prune_share=0.5)
    metrics = Metrics()
    refused(crowded, crowded.operate("o1", PRUNE), metrics)
    assert metrics.said == {("stable", "PrunesRefused"): 1}
    assert crowded.result("o1")["errors"][0]["code"] == "prune-too-much"


def test_a_prune_in_part_says_what_it_left_and_rings(crowded: Press) -> None:
    crowded.configure(keep=1, prune_share=0.5)
    record, run = flipped(crowded, {**PRUNE, "partial": True})
    metrics = Metrics()
    told(crowded, record, run, metrics)
    said = report(crowded, record)
    assert (len(said["removed"]), said["left_over"]) == (3, 1)
    assert crowded.result("o1")["left_over"] == 1
    assert metrics.said["stable", "VersionsPruned"] == 3
    assert metrics.said["stable", "VersionsLeftOver"] == 1
    assert metrics.said["stable", "PrunesRefused"] == 1


def test_one_that_leaves_nothing_does_not(crowded: Press) -> None:
    record, run = flipped(crowded, {**PRUNE, "partial": True})
    metrics = Metrics()
    told(crowded, record, run, metrics)
    assert "left_over" not in report(crowded, record)
    assert {name for _, name in metrics.said} == {"VersionsPruned", "BytesUnnamed"}


def test_another_refusal_rings_no_such_alarm(press: Press) -> None:
    metrics = Metrics()
    refused(press, press.upload("b1", {"a_1_all.deb": b"no package"}), metrics)
    assert press.result("b1")["status"] == "rejected" and metrics.said == {}


# Reaping


def collect(press: Press, metrics: Metrics, *, dry_run: bool = False) -> Reaped:
    return reap.run(replace(press.services, measure=metrics), dry_run=dry_run)


@pytest.fixture
def littered(press: Press) -> Press:
    """With ten old objects that nobody names."""
    for n in range(10):
        press.store.put(f"apt/pool/main/x/x/{n:016}/x.deb", b"x" * (n + 1))
    press.clock.sleep(10 * DAY)
    return press


def reports(press: Press) -> list[Any]:
    return [json.loads(press.store.body(key)) for key in press.store.keys("state/_reports/")]


def test_a_reaping_reports_what_it_deleted(littered: Press) -> None:
    metrics = Metrics()
    reaped = collect(littered, metrics)
    (said,) = reports(littered)
    assert [each["key"] for each in said["deleted"]] == list(reaped.keys)
    assert said["bytes"] == reaped.size == sum(each["size"] for each in said["deleted"])
    assert all(each["version_id"] for each in said["deleted"])
    assert metrics.said == {
        (None, "ObjectsReaped"): len(reaped.keys),
        (None, "BytesReaped"): reaped.size,
        (None, "ObjectsLeftOver"): 0,
    }
    littered.clock.sleep(10)
    collect(littered, metrics)
    assert len(reports(littered)) == 1  # Nothing deleted, nothing told.
    assert metrics.said[None, "ObjectsReaped"] == len(reaped.keys)


def test_staged_packages_are_reported_alike_and_counted_apart(press: Press) -> None:
    files = debs(("a", "1", "all"), ("b", "1", "all"))
    assert press.publish(press.upload("b1", files)) == "published"
    press.clock.sleep(8 * 3600)
    metrics = Metrics()
    collect(press, metrics)
    (said,) = reports(press)
    size = sum(map(len, files.values()))
    assert [d["key"] for d in said["deleted"]] == [f"staging/stable/main/b1/{n}" for n in files]
    assert said["bytes"] == size and all(d["version_id"] for d in said["deleted"])
    said = {"FilesUnstaged": 2, "BytesUnstaged": size, "ObjectsLeftOver": 0}
    assert metrics.said == {(None, name): value for name, value in said.items()}


def test_a_dry_run_reports_nothing(littered: Press) -> None:
    metrics = Metrics()
    assert collect(littered, metrics, dry_run=True).keys
    assert not reports(littered) and not metrics.said


def test_each_part_is_told_by_itself(littered: Press, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "_PART", 4)
    reaped = reap.run(littered.services)
    said = reports(littered)
    assert [len(each["deleted"]) for each in said] == [4] * (len(reaped.keys) // 4) + (
        [len(reaped.keys) % 4] if len(reaped.keys) % 4 else []
    )
    assert [d["key"] for each in said for d in each["deleted"]] == list(reaped.keys)


@pytest.mark.parametrize("write", [1, 4, 7, 10])
def test_a_pass_that_breaks_off_tells_exactly_what_it_deleted(
    littered: Press, monkeypatch: pytest.MonkeyPatch, write: int
) -> None:
    monkeypatch.setattr(deletion, "_PART", 4)
    before = set(littered.store.keys("apt/"))
    metrics = Metrics()
    littered.store.fail_at(write, "before", StoreError("as the test asked"))
    with pytest.raises(StoreError):
        collect(littered, metrics)
    gone = before - set(littered.store.keys("apt/"))
    told = {d["key"] for each in reports(littered) for d in each["deleted"]}
    lost = gone - told
    assert told <= gone and len(lost) <= 4
    assert metrics.said.get((None, "ObjectsReaped"), 0) == len(gone)
    assert (None, "ObjectsLeftOver") not in metrics.said  # Its silence is what rings.
    littered.clock.sleep(60)
    collect(littered, metrics)
    assert not littered.store.keys("apt/pool/")


class Killed(BaseException):
    """The function's time is over: nothing that it would still do takes place."""


def killed_at(store: MemoryStore, write: int) -> None:
    """From that write on, none takes effect: not the one of a `finally` either."""
    left = [write]

    def on_write(_operation: str, _key: str) -> None:
        left[0] -= 1
        if left[0] <= 0:
            raise Killed

    store.on_write = on_write


def test_a_reaper_that_is_killed_at_any_write_goes_on_the_next_hour_and_no_report_lies(
    littered: Press, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "_PART", 4)
    start, before = littered.store.snapshot(), set(littered.store.keys("apt/"))
    condemned = set(collect(littered, Metrics(), dry_run=True).keys)
    writes = len(condemned) + -(-len(condemned) // 4)  # and a report for each four
    for write in range(1, writes + 1):
        littered.store.restore(start)
        killed_at(littered.store, write)
        with pytest.raises(Killed):
            collect(littered, Metrics())
        littered.store.on_write = None
        first = before - set(littered.store.keys("apt/"))
        littered.clock.sleep(3600)
        assert set(collect(littered, Metrics()).keys) == condemned - first
        assert before - set(littered.store.keys("apt/")) == condemned
        told = [d["key"] for each in reports(littered) for d in each["deleted"]]
        assert len(told) == len(set(told)) and set(told) <= condemned
        assert len(condemned - set(told)) <= 4, write


def test_a_reaper_stops_before_its_time_is_over_and_the_next_one_goes_on(
    littered: Press, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each deletion takes a second here."""
    monkeypatch.setattr(deletion, "_PART", 4)
    monkeypatch.setattr(concurrency, "THREADS", 1)
    littered.store.on_write = lambda operation, _key: littered.clock.sleep(operation == "delete")
    condemned = set(collect(littered, Metrics(), dry_run=True).keys)
    gone: set[str] = set()
    for hour in range(4):
        metrics = Metrics()
        until = littered.clock.now() + timedelta(seconds=3)
        reaped = reap.run(replace(littered.services, measure=metrics), until=until)
        assert len(reaped.keys) <= 3 and littered.clock.now() <= until
        gone |= set(reaped.keys)
        assert metrics.said[None, "ObjectsLeftOver"] == reaped.left == len(condemned - gone)
        assert {d["key"] for each in reports(littered) for d in each["deleted"]} == gone
        littered.clock.sleep(3600 * (hour + 1))
    assert gone == condemned


def test_a_reaper_that_has_time_to_look_and_none_to_delete_says_so(littered: Press) -> None:
    metrics = Metrics()
    with pytest.raises(DebpressError, match="more memory"):
        reap.run(replace(littered.services, measure=metrics), until=littered.clock.now())
    assert metrics.said == {} and not reports(littered)


def test_a_prune_that_asked_for_every_suite_says_so(press: Press) -> None:
    metrics = Metrics()
    services = replace(press.services, measure=metrics)
    press.store.fail_at(2, "before", StoreError("as the test asked"))
    with pytest.raises(StoreError):
        prune.run(services, press.clock.now())
    assert metrics.said == {}
    assert len(prune.run(services, press.clock.now())) == metrics.said[None, "PrunesAsked"] == 2
