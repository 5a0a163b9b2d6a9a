"""The heartbeat's schedule and its alarm, for suites that ask for them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stacks.heartbeat import HOURS
from tests.support import templates
from tests.support.templates import ROOT, Template, context, synthesise

VALID_FOR = 7


@pytest.fixture(scope="module")
def stack() -> Template:
    described = context()["debpress"]
    described["suites"][0]["valid_for"] = VALID_FOR
    return synthesise(nag=True, debpress=described)


def beats(stack: Template) -> list[dict[str, Any]]:
    schedules = stack.resources("AWS::Scheduler::Schedule").values()
    return [each for each in schedules if each["ScheduleExpression"].startswith("rate")]


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


def test_its_role_may_start_that_workflow_and_nothing_else(stack: Template) -> None:
    lines = [line for line in templates.permissions(stack) if line.startswith("HeartbeatRole |")]
    allowed = {line.split(" | ", 1)[1] for line in lines if "sts:AssumeRole" not in line}
    assert allowed == {
        "states:StartExecution | <WorkflowMachine>",
        *(f"sqs:{verb} | <TriggerLostEvents>" for verb in ("SendMessage", "GetQueueUrl")),
        "sqs:GetQueueAttributes | <TriggerLostEvents>",
    }
    assert stack.findings == frozenset()


def test_several_beats_may_fail_between_the_third_and_the_alarm() -> None:
    assert (1 / 2 - 1 / 3) * VALID_FOR * 24 / HOURS > 4


def test_the_alarm_rings_at_half_and_when_nobody_looks(stack: Template) -> None:
    alarms = stack.resources("AWS::CloudWatch::Alarm").values()
    (rings,) = [each for each in alarms if each.get("MetricName") == "ValidityUsed"]
    assert rings["Threshold"] == 0.5 and rings["Statistic"] == "Maximum"
    assert rings["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert rings["TreatMissingData"] == "breaching"
    # PutMetricAlarm: a period is a multiple of a minute and a day at most.
    assert HOURS * 3600 < rings["Period"] <= 86400 and rings["EvaluationPeriods"] == 1
    assert {each["Name"] for each in rings["Dimensions"]} == {"Bucket", "Suite"}
    section = rings["AlarmDescription"].partition("docs/runbook.md#")[2]
    assert f"## {section.capitalize()}\n" in (ROOT / "docs/runbook.md").read_text("utf-8")
