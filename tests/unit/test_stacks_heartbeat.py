"""The heartbeat's schedule and its alarm, for suites that ask for them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stacks.heartbeat import HOURS
from tests.support import templates
from tests.support.templates import ROOT, Deployment, Template, context, synthesise

VALID_FOR = 7


@pytest.fixture(scope="module")
def stack() -> Deployment:
    described = context()["debpress"]
    described["suites"][0]["valid_for"] = VALID_FOR
    # A suite of a pattern ends by itself, and none is signed anew by a schedule.
    described["suites"].append({"suite": "pr-*", "architectures": ["amd64"]})
    return synthesise(nag=True, debpress=described)


def beats(stack: Template) -> list[dict[str, Any]]:
    schedules = stack.resources("AWS::Scheduler::Schedule").items()
    return [each for name, each in schedules if name.startswith("HeartbeatBeat")]


def test_nothing_beats_unless_it_is_configured() -> None:
    assert not beats(synthesise())
    assert "HeartbeatRole" not in "".join(templates.permissions(synthesise()))


def test_it_starts_the_workflow_for_the_suite_that_asks(stack: Template) -> None:
    (beat,) = beats(stack)
    target = beat["Target"]
    assert beat["ScheduleExpression"] == f"rate({HOURS} hours)"
    assert templates.readable(target["Arn"]) == "<WorkflowMachine>"
    suite = context()["debpress"]["suites"][0]["suite"]
    assert json.loads(target["Input"]) == {"suite": suite, "heartbeat": True}
    assert templates.readable(target["DeadLetterConfig"]["Arn"]) == "<TriggerLostEvents>"


def test_its_role_may_start_that_workflow_and_nothing_else(stack: Deployment) -> None:
    lines = [line for line in templates.permissions(stack) if line.startswith("HeartbeatRole |")]
    allowed = {line.split(" | ", 1)[1] for line in lines if "sts:AssumeRole" not in line}
    assert allowed == {
        "states:StartExecution | <WorkflowMachine>",
        *(f"sqs:{verb} | <TriggerLostEvents>" for verb in ("SendMessage", "GetQueueUrl")),
        "sqs:GetQueueAttributes | <TriggerLostEvents>",
    }
    assert stack.findings == frozenset()


def test_who_answers_for_suites_of_a_pattern_writes_their_sources(stack: Template) -> None:
    (made,) = (
        each
        for name, each in stack.resources("AWS::Lambda::Function").items()
        if name.startswith("FunctionsFinish")
    )
    assert "DEBPRESS_URI" in made["Environment"]["Variables"]
    lines = [line for line in templates.permissions(stack) if line.startswith("FunctionsFinish")]
    written = [line for line in lines if "s3:PutObject" in line and "/apt/" in line]
    assert written == [
        "FunctionsFinishRole | s3:PutObject | <StorageBucket>/apt/pr-*.sources",
    ]


def test_several_beats_may_fail_between_the_third_and_the_alarm() -> None:
    assert (1 / 2 - 1 / 3) * VALID_FOR * 24 / HOURS > 4


def test_an_alarm_rings_at_half_and_another_when_nobody_looks(stack: Template) -> None:
    alarms = stack.resources("AWS::CloudWatch::Alarm").values()
    found = [each for each in alarms if each.get("MetricName") == "ValidityUsed"]
    half, silence = sorted(found, key=lambda each: str(each["Statistic"]))
    assert half["Threshold"] == 0.5 and half["Statistic"] == "Maximum"
    assert half["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert half["TreatMissingData"] == "notBreaching"
    # PutMetricAlarm: a period is a multiple of a minute and a day at most.
    assert HOURS * 3600 < half["Period"] <= 86400 and half["EvaluationPeriods"] == 1

    assert (silence["Statistic"], silence["Threshold"]) == ("SampleCount", 1)
    assert silence["ComparisonOperator"] == "LessThanThreshold"
    assert silence["TreatMissingData"] == "breaching"
    # Of one long period it would ring some of these later.
    assert (silence["Period"], silence["EvaluationPeriods"]) == (3600, 2 * HOURS)
    page = (ROOT / "docs/runbook.md").read_text("utf-8")
    for rings in (half, silence):
        assert {each["Name"] for each in rings["Dimensions"]} == {"Bucket", "Suite"}
        section = rings["AlarmDescription"].partition("docs/runbook.md#")[2]
        assert f"## {section.capitalize().replace('-', ' ')}\n" in page
