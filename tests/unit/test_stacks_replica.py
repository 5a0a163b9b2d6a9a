"""The bucket in another Region, what has it follow, and what rings when it does not."""

from __future__ import annotations

import json
import re
from typing import Any

import aws_cdk as cdk
import pytest
from debpress import guards, metrics
from debpress.errors import ConfigError
from debpress.layout import Layout

from stacks import settings
from stacks.repository import AptRepository
from tests.support.templates import (
    ROOT,
    Deployment,
    Template,
    context,
    permissions,
    readable,
    synthesise,
)

REPLICA = {"region": "eu-west-1", "vpc_endpoints": ["vpce-0123"]}
ROLES = {
    "hosts": [{"name": "Fleet"}],
    "operators": [{"name": "Team", "principals": ["arn:aws:iam::111122223333:role/admin"]}],
}
READER = "arn:aws:iam::111122223333:role/reader"
BUCKET = "arn:<AWS::Partition>:s3:::debpress-replica-<AWS::AccountId>"
MIRROR = "arn:<AWS::Partition>:iam::<AWS::AccountId>:role/debpress-mirror-eu-west-1"


@pytest.fixture(scope="module")
def stacks() -> Deployment:
    return synthesise(nag=True, replica=REPLICA, roles=ROLES, readers={"role_arns": [READER]})


@pytest.fixture(scope="module")
def replica(stacks: Deployment) -> Template:
    assert stacks.replica is not None
    return stacks.replica


def test_there_is_none_unless_it_is_asked_for() -> None:
    found = synthesise()
    assert found.replica is None
    assert "irror" not in json.dumps(found.data) and "replica" not in json.dumps(found.data)


def test_it_is_private_keeps_versions_and_outlives_its_stack(replica: Template) -> None:
    bucket = replica.one("AWS::S3::Bucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    # Nothing is uploaded there, so nobody is told of it.
    assert "NotificationConfiguration" not in bucket
    for each in replica.data["Resources"].values():
        assert each["DeletionPolicy"] == "RetainExceptOnCreate"
        assert each["UpdateReplacePolicy"] == "Retain"


def test_its_name_is_one_that_both_regions_know(stacks: Deployment, replica: Template) -> None:
    name = readable(replica.one("AWS::S3::Bucket")["BucketName"])
    assert name == readable(stacks.data["Outputs"]["Replica"]["Value"])
    assert name == "debpress-replica-<AWS::AccountId>"
    assert len("a" * 32 + "-replica-" + "1" * 12) <= 63
    variables = environment(stacks)
    assert readable(variables["DEBPRESS_REPLICA"]) == name
    assert variables["DEBPRESS_REPLICA_REGION"] == "eu-west-1"


def environment(stacks: Deployment) -> dict[str, Any]:
    functions = stacks.press.resources("AWS::Lambda::Function").values()
    (found,) = (f for f in functions if f.get("Description") == "debpress: mirror")
    variables: dict[str, Any] = found["Environment"]["Variables"]
    return variables


def test_one_that_was_kept_is_adopted_by_its_name() -> None:
    stack = synthesise(replica={**REPLICA, "bucket": "kept"}).replica
    assert stack is not None
    for kind, key in (("AWS::S3::Bucket", "BucketName"), ("AWS::S3::BucketPolicy", "Bucket")):
        [resource] = [r for r in stack.data["Resources"].values() if r["Type"] == kind]
        assert resource["Properties"][key] == "kept"
        assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"


def test_nobody_but_the_mirror_writes_there(stacks: Deployment, replica: Template) -> None:
    statements = replica.one("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    found = {each.get("Sid"): each for each in statements}
    meant = guards.replica("bucket", Layout(), "mirror")
    assert {each["Sid"] for each in meant} <= set(found)
    for name, actions in (
        ("OnlyTheMirrorWrites", ["s3:PutObject"]),
        ("OnlyTheMirrorDeletes", ["s3:DeleteObject", "s3:DeleteObjectVersion"]),
    ):
        deny = found[name]
        asked = deny["Action"] if isinstance(deny["Action"], list) else [deny["Action"]]
        assert (deny["Effect"], asked) == ("Deny", actions)
        assert readable(deny["Resource"]) == "<StorageBucket>/*"
        role = deny["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]
        assert readable(role) == MIRROR
    roles = stacks.press.resources("AWS::IAM::Role").values()
    assert readable(f"debpress-mirror-{REPLICA['region']}") in {
        readable(each["RoleName"]) for each in roles if "RoleName" in each
    }
    assert found["HostsByVpcEndpoint"]["Condition"]["StringEquals"]["aws:SourceVpce"] in (
        "vpce-0123",
        ["vpce-0123"],
    )
    assert found["HostsByRole"]["Principal"] == {"AWS": READER}


def test_the_mirror_reads_the_archive_and_writes_the_replica_alone(stacks: Deployment) -> None:
    found = [line.split(" | ") for line in permissions(stacks) if line.startswith("FunctionsMirr")]
    changes = [(on, verb) for _, verb, on in found if re.match("s3:(Put|Delete)", verb)]
    assert changes and all(on.startswith(BUCKET) for on, _ in changes)
    # Whoever else may have the name of a bucket that was deleted is given nothing.
    assert all("aws:ResourceAccount: <AWS::AccountId>" in on for on, _ in changes)
    deleted = {on.partition(" if ")[0] for on, verb in changes if "Delete" in verb}
    assert deleted == {
        f"{BUCKET}/apt/{key}"
        for key in ("pool/*", "dists/*/by-hash/SHA256/*", "dists/*/Packages.diff/T-*")
    }
    others = [line for line in permissions(stacks) if BUCKET in line and "Mirror" not in line]
    assert {line.partition(" | ")[0] for line in others} == {
        "RolesHostsFleet",
        "RolesOperatorsTeam",
    }
    assert not [line for line in others if "Put" in line or "Delete" in line]


def test_it_is_called_often_and_what_is_not_delivered_is_kept(stacks: Deployment) -> None:
    schedules = stacks.press.resources("AWS::Scheduler::Schedule")
    found = {name[6:-8]: each for name, each in schedules.items() if name.startswith("Mirror")}
    assert set(found) == {"Follow", "Tidy"}
    assert found["Follow"]["ScheduleExpression"] == "rate(5 minutes)"
    assert json.loads(found["Tidy"]["Target"]["Input"]) == {"tidy": True}
    for each in found.values():
        target = each["Target"]
        assert readable(target["DeadLetterConfig"]["Arn"]) == "<TriggerLostEvents>"
        assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] == 300
    calls = stacks.press.resources("AWS::Lambda::EventInvokeConfig").items()
    (asked,) = (each for name, each in calls if name.startswith("FunctionsMirror"))
    assert (asked["MaximumRetryAttempts"], asked["MaximumEventAgeInSeconds"]) == (0, 300)


def test_it_rings_when_it_is_behind_when_it_fails_and_when_nobody_calls_it(
    stacks: Deployment,
) -> None:
    alarms = [
        each
        for name, each in stacks.press.resources("AWS::CloudWatch::Alarm").items()
        if name.startswith("Mirror")
    ]
    page = (ROOT / "docs/runbook.md").read_text("utf-8")
    assert "\n## A replica that is behind\n" in page
    for each in alarms:
        assert each["AlarmDescription"].endswith("docs/runbook.md#a-replica-that-is-behind")
    behind = [each for each in alarms if each["MetricName"] == "SecondsBehind"]
    assert "SecondsBehind" in metrics.METRICS
    assert len(behind) == 2  # One a suite.
    for each in behind:
        assert (each["Statistic"], each["Threshold"]) == ("Maximum", 900)
        assert each["TreatMissingData"] == "notBreaching"
        assert [d["Name"] for d in each["Dimensions"]] == [*metrics.dimensions("bucket", "stable")]
    errors, silent = sorted((a for a in alarms if a not in behind), key=lambda a: a["MetricName"])
    assert (errors["MetricName"], silent["MetricName"]) == ("Errors", "Invocations")
    assert (silent["Statistic"], silent["TreatMissingData"]) == ("SampleCount", "breaching")
    assert silent["Period"] * silent["EvaluationPeriods"] == 2 * 3600


def test_nobody_finds_anything_wrong_with_it(stacks: Deployment) -> None:
    assert stacks.findings == frozenset()


def test_the_dashboard_shows_the_lag_and_still_costs_nothing(stacks: Deployment) -> None:
    body = readable(stacks.press.one("AWS::CloudWatch::Dashboard")["DashboardBody"])
    widgets = json.loads(body)["widgets"]
    shown = [m for w in widgets if w["type"] == "metric" for m in w["properties"]["metrics"]]
    searched = [m[0]["expression"] for m in shown if isinstance(m[0], dict)]
    assert any("SecondsBehind" in w["properties"].get("query", "") for w in widgets)
    named = {json.dumps([part for part in m if isinstance(part, str)]) for m in shown}
    assert len(named) + len(searched) <= 50


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "replica.region"),
        ({"region": "eu"}, "replica.region"),
        ({"region": "eu-west-1", "bucket": "A"}, "replica.bucket"),
        ({"region": "eu-west-1", "vpc_endpoints": ["x"]}, "replica.vpc_endpoints"),
        ({"region": "eu-west-1", "readers": []}, "replica.readers"),
    ],
)
def test_what_can_t_be_is_named(given: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{re.escape(named)}\b"):
        settings.parse(context(replica=given))


def test_a_bucket_that_kms_encrypts_is_not_followed() -> None:
    with pytest.raises(ConfigError, match=r"^replica: .*debpress mirror"):
        settings.parse(context(replica=REPLICA, encryption="kms"))


def test_a_construct_makes_no_stack_of_another_region() -> None:
    suites = context()["debpress"]["suites"]
    with pytest.raises(ConfigError, match=r"^replica: "):
        AptRepository(cdk.Stack(), "Apt", suites=suites, replica=REPLICA)


def test_a_distribution_may_read_it_for_the_day_its_region_stands_in() -> None:
    both = synthesise(replica=REPLICA, delivery={})
    assert both.replica is not None
    policy = both.replica.one("AWS::S3::BucketPolicy")["PolicyDocument"]
    allowed = {each["Sid"]: each["Principal"] for each in policy["Statement"] if "Sid" in each}
    assert allowed["HostsByCloudFront"] == {"Service": "cloudfront.amazonaws.com"}
    assert "CloudFrontSees404" in allowed
