"""Events on the account's bus, as a deployed press sends them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from debpress.layout import Batch

from local.ci import Ci
from local.stack import Stack
from tests.support.press import debs
from tests.support.uploads import Uploads

SECONDS = 60.0


@dataclass
class Listener:
    """A queue that a rule on the default bus fills, as anybody's might be."""

    sqs: Any
    url: str
    heard: list[dict[str, Any]] = field(default_factory=list)

    def wait(self, kind: str, batch: str) -> dict[str, Any]:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            for event in self.heard:
                if (event["detail-type"], event["detail"].get("batch")) == (kind, batch):
                    return event
            answer = self.sqs.receive_message(
                QueueUrl=self.url, WaitTimeSeconds=1, MaxNumberOfMessages=10
            )
            for message in answer.get("Messages", []):
                self.heard.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        raise AssertionError(f"no event {kind} of {batch} in {SECONDS:g} s: {self.heard}")


@pytest.fixture(scope="module")
def listener(stack: Stack) -> Iterator[Listener]:
    sqs, events = stack.client("sqs"), stack.client("events")
    url = sqs.create_queue(QueueName="listener")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    pattern = {"source": ["debpress"], "detail": {"record": {"bucket": [stack.outputs.bucket]}}}
    events.put_rule(Name="listener", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="listener", Targets=[{"Id": "queue", "Arn": arn["QueueArn"]}])
    yield Listener(sqs, url)
    events.remove_targets(Rule="listener", Ids=["queue"])
    events.delete_rule(Name="listener")
    sqs.delete_queue(QueueUrl=url)


def test_what_becomes_of_a_batch_is_told_on_the_bus(
    stack: Stack, ci: Ci, listener: Listener
) -> None:
    uploads = Uploads(stack, ci)
    good, bad = (Batch("stable", "main", f"events-{name}") for name in ("good", "bad"))
    result = uploads.publish(good, debs(("events", "1.0", "all")))
    uploads.send(uploads.put(bad, {"events_2.0_all.deb": b"no package"}))
    assert uploads.result(bad)["status"] == "rejected"

    published = listener.wait("published", good.id)
    rejected = listener.wait("rejected", bad.id)

    assert published["source"] == rejected["source"] == "debpress"
    detail = published["detail"]
    assert (detail["version"], detail["generation"]) == (1, result["generation"])
    assert detail["packages"] == [
        {"package": "events", "version": "1.0", "architecture": "all", "action": "added"}
    ]
    assert rejected["detail"]["errors"][0]["file"] == "events_2.0_all.deb"
    # The record that it names is what it was made from.
    record = detail["record"]
    found = stack.client("s3").get_object(
        Bucket=record["bucket"], Key=record["key"], VersionId=record["version_id"]
    )
    assert json.loads(found["Body"].read()) == result
