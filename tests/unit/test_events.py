"""What is told on the event bus: true, at least once, small, and never in a publish's way."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from debpress.adapters.events import EventBus
from debpress.codec import decode, encode
from debpress.errors import StoreError, TransientError
from debpress.layout import Batch, Layout
from debpress.records.batch import ManifestRef, Problem
from debpress.records.events import (
    BatchEvent,
    Event,
    Kind,
    PruneEvent,
    RotationEvent,
    StoredRecord,
)
from debpress.records.generation import PackageOutcome
from debpress.records.result import Result
from debpress.records.rotation import Party, Rotation, Stage
from debpress.steps import announce, watch
from debpress.steps.announce import Written
from debpress.suite import events as rules

from tests.support.press import Press, debs
from tests.support.templates import ROOT
from tests.unit.test_reports import Metrics

BUCKET = "bucket"
SOURCE = StoredRecord(BUCKET, "results/stable/main/b1.json", "v1")


@dataclass
class Bus:
    """The event bus; `refusals` are how often it takes nothing."""

    refusals: int = 0
    sent: list[Event] = field(default_factory=list)

    def send(self, events: Sequence[Event]) -> None:
        if self.refusals:
            self.refusals -= 1
            raise TransientError("throttled")
        self.sent += events

    @property
    def said(self) -> list[tuple[str, Any]]:
        return [(str(each.kind), encode(each.detail)) for each in self.sent]


def told(
    press: Press, key: str, bus: Bus | None = None, metrics: Metrics | None = None
) -> list[tuple[str, Any]]:
    """What S3's event of the put of the object that lies there now leads to."""
    bus = bus or Bus()
    head = press.store.head(key)
    assert head is not None
    services = replace(press.services, measure=metrics or Metrics())
    announce.run(services, bus, Written(BUCKET, key, head.version_id))
    return bus.said


def result_key(batch: str) -> str:
    return Batch("stable", "main", batch).result


# Which events


def test_a_batch_that_is_published_is_told_with_its_packages(press: Press) -> None:
    press.publish(press.upload("b1", debs(("foo", "1.0", "all"), ("bar", "2", "amd64"))))
    ((kind, detail),) = told(press, result_key("b1"))
    head = press.store.head(result_key("b1"))
    assert head is not None
    assert kind == "published"
    assert detail["version"] == 1
    assert detail["record"] == {
        "bucket": BUCKET, "key": result_key("b1"), "version_id": head.version_id
    }  # fmt: skip
    assert detail["id"] == f"published:{result_key('b1')}@{head.version_id}"
    assert (detail["suite"], detail["component"], detail["batch"]) == ("stable", "main", "b1")
    assert detail["counts"] == {"added": 2, "unchanged": 0, "removed": 0, "forgotten": 0}
    assert detail["generation"] == press.result("b1")["generation"]
    assert {p["package"] for p in detail["packages"]} == {"foo", "bar"}
    assert detail["summary"].startswith("stable/main b1 is published in release 2 (2 added): ")
    assert detail["operations"] == []


def test_one_that_is_rejected_is_told_with_its_errors(press: Press) -> None:
    press.publish(press.upload("b1", {"foo_1_all.deb": b"no package"}))
    ((kind, detail),) = told(press, result_key("b1"))
    assert (kind, detail["status"], detail["generation"]) == ("rejected", "rejected", None)
    assert detail["error_count"] == len(press.result("b1")["errors"]) == 1
    assert detail["errors"][0]["code"] in detail["summary"]


def test_a_rollback_is_told_as_one_beside(press: Press) -> None:
    for number in "123":
        press.publish(press.upload(f"b{number}", debs(("foo", number, "all"))))
    assert press.publish(press.operate("o1", {"op": "rollback", "to": 2})) == "published"
    (published, (kind, detail)) = told(press, result_key("o1"))
    assert published[0] == "published" and published[1]["operations"] == ["rollback"]
    assert (kind, detail["to"], detail["generation"]) == ("rolled back", 2, 5)
    assert detail["id"] != published[1]["id"]
    assert detail["counts"]["removed"] == 2


def test_one_that_is_refused_is_no_rollback(press: Press) -> None:
    assert press.publish(press.operate("o1", {"op": "rollback", "to": 77})) == "rejected"
    assert [kind for kind, _ in told(press, result_key("o1"))] == ["rejected"]


def test_a_prune_is_told_by_its_report(press: Press) -> None:
    press.publish(press.upload("b1", debs(*(("foo", str(n), "all") for n in range(5)))))
    press.configure(keep=2, prune_share=1)
    press.publish(press.operate("o1", {"op": "prune"}))
    (report,) = press.store.keys(Layout.prune_report("stable"))
    ((kind, detail),) = told(press, report)
    assert (kind, detail["suite"], detail["left_over"]) == ("pruned", "stable", 0)
    assert detail["counts"]["removed"] == 3 and detail["unnamed_bytes"] > 0
    assert {p["version"] for p in detail["packages"]} == {"0", "1", "2"}


def test_a_step_of_a_rotation_is_told_as_it_begins_and_when_it_is_done(press: Press) -> None:
    old, new = Party("awskms:", "A" * 40), Party("awskms:alias/new")
    record = Rotation(Stage.DUAL, "dual", False, None, old, new)
    etag = press.archive.rotation.keep(record, over=None)
    ((kind, begun),) = told(press, Layout.rotation())
    press.archive.rotation.keep(replace(record, done=True, since="2026-11-23T01:02:03Z"), etag)
    ((_, done),) = told(press, Layout.rotation())
    assert kind == "key rotation step"
    assert (begun["step"], begun["stage"], begun["done"]) == ("dual", "dual", False)
    assert begun["old"] == {"uri": "awskms:", "fingerprint": "A" * 40}
    assert begun["new"] == {"uri": "awskms:alias/new", "fingerprint": None}
    assert done["done"] and done["id"] != begun["id"]


@pytest.mark.parametrize("key", ["state/_repository.json", "state/stable/queue/a.json", "apt/x"])
def test_other_objects_say_nothing(press: Press, key: str) -> None:
    press.store.put(key, b"{}")
    assert told(press, key) == []


def test_every_kind_is_told_of_something() -> None:
    """The ways above and below are all there are."""
    assert {str(kind) for kind in Kind} == {
        *("published", "rejected", "failed", "pruned", "rolled back", "key rotation step")
    }


# At least once, and told apart


def test_a_repeat_has_the_same_id_and_news_another(press: Press) -> None:
    press.publish(press.upload("b1", {"foo_1_all.deb": b"no package"}))
    bus = Bus()
    told(press, result_key("b1"), bus)
    told(press, result_key("b1"), bus)
    assert bus.said[0] == bus.said[1]
    press.publish(press.upload("b1", debs(("foo", "1", "all"))))
    told(press, result_key("b1"), bus)
    assert bus.said[2][0] == "published" and bus.said[2][1]["id"] != bus.said[0][1]["id"]


def test_a_bus_that_refuses_is_tried_again_and_nothing_is_counted_before(press: Press) -> None:
    press.publish(press.upload("b1", debs(("foo", "1", "all"))))
    bus, metrics = Bus(refusals=1), Metrics()
    with pytest.raises(TransientError):
        told(press, result_key("b1"), bus, metrics)
    assert metrics.said == {}
    told(press, result_key("b1"), bus, metrics)
    assert len(bus.sent) == 1 and metrics.said["stable", "BatchesPublished"] == 1


def test_an_event_that_comes_late_tells_what_was_written_then(press: Press) -> None:
    press.publish(press.upload("b1", {"foo_1_all.deb": b"no package"}))
    then = press.store.head(result_key("b1"))
    press.publish(press.upload("b1", debs(("foo", "1", "all"))))
    bus = Bus()
    assert then is not None
    announce.run(press.services, bus, Written(BUCKET, then.key, then.version_id))
    assert [kind for kind, _ in bus.said] == ["rejected"]


def test_a_version_that_is_gone_is_passed_over(press: Press) -> None:
    assert announce.run(press.services, Bus(), Written(BUCKET, result_key("b1"), "v")) == []


# Small


def result(packages: int, errors: int = 0, status: str = "published") -> Result:
    names = [f"{'p' * 200}{n}" for n in range(packages)]
    return Result(
        batch=Batch("stable", "main", "b" * 512),
        manifest=ManifestRef("staging/stable/main/b/manifest.json", "e", "v"),
        status=status,
        generation=None if errors else 42,
        release_date=None,
        packages=tuple(
            PackageOutcome(name, "1" * 20_000, "all", "pool/x", "0" * 64, 1, "added")
            for name in names
        ),
        ignored=(),
        errors=tuple(Problem("f" * 1000, "sum-mismatch", 'm"\\\n' * 9000) for _ in range(errors)),
        started_at="",
        finished_at="",
        execution="",
    )


def test_an_event_stays_small_whatever_the_batch() -> None:
    for found in (result(20_000), result(0, errors=500, status="rejected")):
        (event,) = rules.of_result(SOURCE, found, ())
        detail = encode(event.detail)
        # 256 KB is what EventBridge and SNS take.
        assert len(json.dumps(detail).encode()) < 128_000
        assert detail["counts"]["added"] == len(found.packages)
        assert detail["error_count"] == len(found.errors)
        assert 0 < len(detail["packages"]) + len(detail["errors"]) <= rules.FEW


def test_a_summary_is_one_line_that_needs_no_escaping() -> None:
    for found in (result(3), result(0, errors=2, status="failed")):
        (event,) = rules.of_result(SOURCE, found, ())
        summary = event.detail.summary
        assert summary.isprintable() and not set(summary) & {'"', "\\"}
        assert 0 < len(summary) <= rules.LINE


# Measured


def test_the_time_from_the_manifest_to_the_flip_is_measured_by_s3s_clock(press: Press) -> None:
    metrics = Metrics()
    steps = press.steps(press.upload("b1", debs(("foo", "1", "all"))))
    next(steps)
    press.clock.sleep(100)
    deque(steps, maxlen=0)
    press.clock.sleep(1000)  # It is told late.
    told(press, result_key("b1"), metrics=metrics)
    waited = metrics.said["stable", "SecondsToVisible"]
    assert 100 <= waited < 110


def test_also_when_others_have_flipped_since(press: Press) -> None:
    press.publish(press.upload("b1", debs(("foo", "1", "all"))))
    for number in range(3):
        press.clock.sleep(600)
        press.publish(press.upload(f"c{number}", debs((f"c{number}", "1", "all"))))
    metrics = Metrics()
    told(press, result_key("b1"), metrics=metrics)
    assert 0 <= metrics.said["stable", "SecondsToVisible"] < 10


def test_what_was_published_before_has_not_waited(press: Press) -> None:
    press.publish(press.upload("b1", debs(("foo", "1", "all"))))
    press.clock.sleep(600)
    assert press.publish(press.upload("b2", debs(("foo", "1", "all")))) == "published"
    metrics = Metrics()
    told(press, result_key("b2"), metrics=metrics)
    assert metrics.said == {("stable", "BatchesPublished"): 1}


def test_the_age_of_what_waits_and_of_each_release_is_measured(press: Press) -> None:
    steps = press.steps(press.upload("b1", debs(("foo", "1", "all"))))
    while not press.store.keys(Layout.queue("stable")):
        next(steps)
    press.clock.sleep(300)
    metrics = Metrics()
    found = watch.run(replace(press.services, measure=metrics))
    assert 300 <= metrics.said["stable", "SecondsWaiting"] <= 302
    assert found["testing"]["SecondsWaiting"] == 0
    assert found["stable"]["InReleaseAge"] >= 900
    deque(steps, maxlen=0)
    found = watch.run(press.services)
    assert found["stable"]["SecondsWaiting"] == 0
    assert found["stable"]["InReleaseAge"] < 10


def test_a_batch_that_took_long_rings_though_it_waits_no_more(press: Press) -> None:
    for minutes, rings in ((14, False), (16, True)):
        steps = press.steps(press.upload(f"b{minutes}", debs(("foo", str(minutes), "all"))))
        next(steps)
        press.clock.sleep(60 * minutes)
        deque(steps, maxlen=0)
        metrics = Metrics()
        told(press, result_key(f"b{minutes}"), metrics=metrics)
        assert (("stable", "SecondsWaiting") in metrics.said) == rings
        press.clock.sleep(60)


# The adapter


class Client:
    """The bus as boto3 knows it; it fails the entries whose turn is in `fails`."""

    def __init__(self, *fails: int) -> None:
        self.requests: list[list[dict[str, str]]] = []
        self._fails = fails

    def put_events(self, Entries: list[dict[str, str]]) -> Any:  # noqa: N803 (boto3's name)
        self.requests.append(Entries)
        failed = {"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"}
        done = [failed if n in self._fails else {"EventId": "e"} for n in range(len(Entries))]
        return {"FailedEntryCount": len(self._fails), "Entries": done}


def test_the_adapter_sends_ten_at_once_as_json() -> None:
    client = Client()
    EventBus(client).send(rules.of_result(SOURCE, result(1), ()) * 23)
    assert [len(entries) for entries in client.requests] == [10, 10, 3]
    entry = client.requests[0][0]
    assert (entry["Source"], entry["DetailType"]) == ("debpress", "published")
    assert json.loads(entry["Detail"])["suite"] == "stable"


def test_an_entry_that_is_refused_is_an_error_though_the_request_succeeded() -> None:
    with pytest.raises(TransientError, match=r"did not take 1 of 2 .*ThrottlingException: Rate"):
        EventBus(Client(1)).send(rules.of_result(SOURCE, result(1), ()) * 2)


def test_a_bus_that_the_role_may_not_use_is_told_with_the_right_that_lacks() -> None:
    from botocore.exceptions import ClientError

    class Denied:
        def put_events(self, **_: Any) -> Any:
            response = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
            meta: Any = {**response, "ResponseMetadata": {"HTTPStatusCode": 403}}
            raise ClientError(meta, "PutEvents")

    with pytest.raises(StoreError, match="events:PutEvents"):
        EventBus(Denied()).send(rules.of_result(SOURCE, result(1), ()))


# The page


def test_the_examples_of_the_page_are_what_is_sent() -> None:
    page = (ROOT / "docs/events.md").read_text("utf-8")
    examples = [json.loads(each) for each in re.findall(r"```json\n(\{\n.*?\n\})\n```", page, re.S)]
    kinds = {Kind(example["id"].partition(":")[0]): example for example in examples}
    assert kinds.keys() == set(Kind) - {Kind.FAILED}
    for kind, example in kinds.items():
        record: type[BatchEvent | PruneEvent | RotationEvent] = {
            Kind.PRUNED: PruneEvent,
            Kind.ROTATION_STEP: RotationEvent,
        }.get(kind, BatchEvent)
        decoded = decode(record, example)
        assert encode(decoded) == example and not decoded.unknown
        assert decoded.id == f"{kind}:{decoded.record.key}@{decoded.record.version_id}"
