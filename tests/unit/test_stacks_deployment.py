"""What becomes of a deployment: set-up, its failures, and who is told when something breaks."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from debpress import metrics
from debpress.adapters import aws
from debpress.metrics import LIFE_HOURS

from benchmarks.report import LATEST
from stacks import functions, setup
from stacks.functions import SIZES
from tests.support.templates import (
    ROOT,
    Deployment,
    Template,
    context,
    permissions,
    readable,
    synthesise,
)


@pytest.fixture(scope="module")
def template() -> Deployment:
    return synthesise()


def asynchronous(template: Template) -> dict[str, dict[str, Any]]:
    """How Lambda calls functions that nobody waits for, by function."""
    found = template.resources("AWS::Lambda::EventInvokeConfig")
    return {readable(each["FunctionName"])[len("<Functions") : -1]: each for each in found.values()}


def ready(template: Template) -> dict[str, Any]:
    return template.one("Custom::DebpressRepository")


# Set-up


def test_a_deployment_fails_in_minutes_when_set_up_does_not_answer(template: Template) -> None:
    patience = int(ready(template)["ServiceTimeout"])
    # A second try, or a late one, would act for a deployment that CloudFormation has given up.
    asked = asynchronous(template)["Setup"]
    assert asked["MaximumRetryAttempts"] == 0
    assert asked["MaximumEventAgeInSeconds"] + SIZES["setup"].seconds <= patience <= 3600


def test_set_up_runs_again_when_a_function_or_the_configuration_changed(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ready(template)
    other = {"suites": [{"suite": "stable", "architectures": ["amd64"]}]}
    configured = ready(synthesise(debpress=other))
    assert configured["Configuration"] != before["Configuration"]
    assert configured["Functions"] == before["Functions"]

    copy = tmp_path / "lambdas"
    shutil.copytree(ROOT / "lambdas", copy, ignore=shutil.ignore_patterns("__pycache__"))
    for module in (functions, setup):
        monkeypatch.setattr(module, "LAMBDAS", copy)
    # Another retention of logs alone makes it synthesise anew, and is nothing to set up for.
    assert ready(synthesise(log_days="365")) == before
    with (copy / "sign/handler.py").open("a") as code:
        code.write("# changed\n")
    assert ready(synthesise(log_days="180"))["Functions"] != before["Functions"]


# Alarms


def test_what_rings(template: Template) -> None:
    alarms = template.resources("AWS::CloudWatch::Alarm").values()
    assert sorted(alarm["MetricName"] for alarm in alarms) == [
        *("ExecutionsFailed", "NumberOfMessagesSent"),
        *("ObjectsLeftOver", "PrunesAsked", "PrunesRefused"),
        # Of its value, and of its silence.
        *("SecondsWaiting", "SecondsWaiting"),
    ]
    assert not any("AlarmActions" in alarm for alarm in alarms)
    # What docs/cost.md reckons with.
    assert json.loads(LATEST.read_text("utf-8"))["cost"]["alarms"] == len(alarms)


def test_what_nobody_waits_for_is_kept_when_it_fails(template: Template) -> None:
    """Scheduler and CloudFormation are done when Lambda has accepted a call."""
    calls = asynchronous(template)
    assert set(calls) == {"Setup", "Prune", "Reap", "Announce", "Watch"}
    allowed = permissions(template)
    for name, call in calls.items():
        queue = readable(call["DestinationConfig"]["OnFailure"]["Destination"])
        assert queue == "<TriggerLostEvents>"
        assert f"Functions{name}Role | sqs:SendMessage | {queue}" in allowed
    # Of two calls of the reaper, one too late is as good as the next one.
    assert calls["Reap"]["MaximumEventAgeInSeconds"] == 3600


@pytest.mark.parametrize(
    ("metric", "period"),
    # Of two signs of life that are missing.
    [
        ("PrunesAsked", 24),
        *((name, 2 * LIFE_HOURS) for name in ("ObjectsLeftOver", "SecondsWaiting")),
    ],
)
def test_what_does_not_come_rings(template: Template, metric: str, period: int) -> None:
    alarms = template.data["Resources"].values()
    (found,) = (
        a
        for a in alarms
        if a.get("Properties", {}).get("MetricName") == metric
        and a["Properties"]["TreatMissingData"] == "breaching"
    )
    alarm = found["Properties"]
    assert metric in metrics.METRICS and alarm["Namespace"] == metrics.NAMESPACE
    assert [each["Name"] for each in alarm["Dimensions"]] == [*metrics.dimensions("bucket")]
    # Any value is a sign of life.
    assert (alarm["Statistic"], alarm["Threshold"]) == ("SampleCount", 1)
    assert alarm["ComparisonOperator"] == "LessThanThreshold"
    assert alarm["TreatMissingData"] == "breaching" and "DatapointsToAlarm" not in alarm
    # PutMetricAlarm: a week in all at most, where a period is an hour or more.
    seconds = alarm["Period"] * alarm["EvaluationPeriods"]
    assert alarm["Period"] == 3600 and seconds <= 604_800
    assert (period + 2) * 3600 <= seconds <= (period + 3) * 3600
    # It begins to count when the first set-up has left a first value.
    assert any("SetUp" in name for name in found["DependsOn"])


def test_alarms_notify_the_configured_topics() -> None:
    arn = "arn:aws:sns:eu-central-1:111122223333:pager"
    for alarm in synthesise(alarm_topics=[arn]).resources("AWS::CloudWatch::Alarm").values():
        assert alarm["AlarmActions"] == [arn]


def test_an_alarm_s_section_says_what_it_means_how_to_look_and_what_to_do() -> None:
    page = (ROOT / "docs/runbook.md").read_text("utf-8")
    errors = ("Prune errors", "Reap errors")  # These ring as lost events.
    sections = [
        s for s in re.split(r"^## ", page, flags=re.M) if "*Alarm: " in s or s.startswith(errors)
    ]
    assert len(sections) == 13
    for section in sections:
        for part in ("**What it means.**", "**Look.**", "**Mend.**"):
            assert part in section, section.splitlines()[0]


# Limits


def test_the_templates_are_ones_that_an_account_takes(template: Deployment) -> None:
    # CloudFormation: 1 MB and 500 resources; IAM: 10,240 characters of a role's inline policies.
    assert all(file.stat().st_size < 1_000_000 for file in template.files)
    assert len(template.data["Resources"]) < 200
    for policy in template.resources("AWS::IAM::Policy").values():
        assert len(json.dumps(policy["PolicyDocument"])) < 10_240
    for function in template.resources("AWS::Lambda::Function").values():
        assert function["MemorySize"] <= 3008  # The most that a new account may ask for.


def test_event_patterns_have_one_wildcard_each(template: Template) -> None:
    # EventBridge refuses rules it finds too complex to match.
    rule = template.one("AWS::Events::Rule", "Trigger")
    keys = rule["EventPattern"]["detail"]["object"]["key"]
    assert [each["wildcard"].count("*") for each in keys] == [1, 1, 1, 1]


def test_every_function_s_code_is_deployed() -> None:
    assert {path.parent.name for path in ROOT.glob("lambdas/*/handler.py")} == set(SIZES)


def test_services_act_for_this_account_alone(template: Template) -> None:
    # IAM user guide, "The confused deputy problem".
    for name, role in template.resources("AWS::IAM::Role").items():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        if trust["Principal"]["Service"] in ("states.amazonaws.com", "scheduler.amazonaws.com"):
            condition = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
            assert trust["Condition"] == condition, name


def test_the_committed_context_is_what_is_documented() -> None:
    page = (ROOT / "docs/deploy.md").read_text("utf-8")
    for key in context():
        if key.startswith("@"):
            continue  # The CDK's own.
        assert f"`{key}`" in page or f'"{key}"' in page, key


def test_a_signer_may_use_the_key_it_names_however_it_names_it() -> None:
    arn = "arn:aws:kms:eu-central-1:111122223333:key/0123"
    named = [f"awskms:{arn}#{'A' * 40}", "awskms:4567", "awskms:alias/archive"]
    suites = [{"suite": "stable", "architectures": ["amd64"]}]
    signing = synthesise(debpress={"suites": suites, "signers": named})
    allowed = {
        line.partition("| kms:Sign | ")[2] for line in permissions(signing) if "kms:Sign" in line
    }
    own = "arn:<AWS::Partition>:kms:<AWS::Region>:<AWS::AccountId>:key/4567"
    by_alias = "* if {ForAnyValue:StringEquals: {kms:ResourceAliases: alias/archive}}"
    assert allowed == {arn, own, by_alias}


def test_a_copy_of_gigabytes_is_waited_for_and_tried_again_within_the_function_s_time() -> None:
    """The largest that S3 copies in one call, at 25 MB a second."""
    admit = SIZES["admit"]
    assert admit.silence is not None
    assert admit.silence * 25_000_000 >= 5_000_000_000
    most = aws.ATTEMPTS * (aws.CONNECT_SECONDS + admit.silence)
    assert most < admit.seconds - 60  # The backoff in between, and the start.
