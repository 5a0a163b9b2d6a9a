"""What becomes of a deployment: set-up, its failures, and who is told when something breaks."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from stacks import functions, setup
from stacks.functions import SIZES
from tests.support.templates import ROOT, Template, context, handler, permissions, synthesise


@pytest.fixture(scope="module")
def template() -> Template:
    return synthesise()


def ready(template: Template) -> dict[str, Any]:
    return template.one("Custom::DebpressRepository")


# Set-up


def test_a_deployment_fails_in_minutes_when_set_up_does_not_answer(template: Template) -> None:
    assert SIZES["setup"].seconds < int(ready(template)["ServiceTimeout"]) <= 3600
    # A second try would answer a request that CloudFormation has given up.
    assert template.one("AWS::Lambda::EventInvokeConfig")["MaximumRetryAttempts"] == 0


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


def test_set_up_tells_cloudformation_why_it_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    module = handler("setup")
    answers: list[dict[str, Any]] = []

    class Answered:
        def close(self) -> None:
            pass

    def urlopen(request: Any, **_: Any) -> Answered:
        answers.append(json.loads(request.data))
        return Answered()

    def fail() -> None:
        raise RuntimeError("no signature could be made")

    monkeypatch.setattr(module.urllib.request, "urlopen", urlopen)
    monkeypatch.setattr(module, "environment", fail)
    about = {"StackId": "s", "RequestId": "r", "LogicalResourceId": "l"}
    event = {
        "RequestType": "Create",
        "ResponseURL": "https://cloudformation.example/",
        "ResourceProperties": {"Uri": "u"},
        **about,
    }
    module.handle(event, None)
    assert answers[0]["Status"] == "FAILED"
    assert "no signature could be made" in answers[0]["Reason"]
    # Of a creation that is rolled back, the deletion has to go through.
    module.handle({**event, "RequestType": "Delete"}, None)
    assert answers[1]["Status"] == "SUCCESS"
    assert answers[0]["PhysicalResourceId"] == answers[1]["PhysicalResourceId"]
    assert about.items() <= answers[0].items()


# Alarms


def test_what_rings(template: Template) -> None:
    alarms = template.resources("AWS::CloudWatch::Alarm").values()
    assert sorted(alarm["MetricName"] for alarm in alarms) == [
        *("ApproximateNumberOfMessagesVisible", "Errors", "Errors", "ExecutionsFailed"),
        *("PrunesRefused", "PrunesRefused"),  # One a suite.
    ]
    assert not any("AlarmActions" in alarm for alarm in alarms)


def test_alarms_notify_the_configured_topics() -> None:
    arn = "arn:aws:sns:eu-central-1:111122223333:pager"
    for alarm in synthesise(alarm_topics=[arn]).resources("AWS::CloudWatch::Alarm").values():
        assert alarm["AlarmActions"] == [arn]


def test_an_alarm_s_section_says_what_it_means_how_to_look_and_what_to_do() -> None:
    page = (ROOT / "docs/runbook.md").read_text("utf-8")
    sections = [s for s in re.split(r"^## ", page, flags=re.M) if "*Alarm: " in s]
    assert len(sections) == 6
    for section in sections:
        for part in ("**What it means.**", "**Look.**", "**Mend.**"):
            assert part in section, section.splitlines()[0]


# Limits


def test_the_template_is_one_that_an_account_takes(template: Template) -> None:
    # CloudFormation: 1 MB and 500 resources; IAM: 10,240 characters of a role's inline policies.
    assert template.file.stat().st_size < 1_000_000
    assert len(template.data["Resources"]) < 200
    for policy in template.resources("AWS::IAM::Policy").values():
        assert len(json.dumps(policy["PolicyDocument"])) < 10_240
    for function in template.resources("AWS::Lambda::Function").values():
        assert function["MemorySize"] <= 3008  # The most that a new account may ask for.


def test_event_patterns_have_one_wildcard_each(template: Template) -> None:
    # EventBridge refuses rules it finds too complex to match.
    keys = template.one("AWS::Events::Rule")["EventPattern"]["detail"]["object"]["key"]
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
