"""`debpress doctor` against the deployed stack: what was broken by hand, it names."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from local.ci import Ci
from local.stack import Stack
from tests.support.operator import Debpress
from tests.support.uploads import Uploads

Findings = list[dict[str, str]]


@pytest.fixture(scope="module")
def debpress(stack: Stack, ci: Ci) -> Debpress:
    return Debpress(Uploads(stack, ci))


@pytest.fixture
def doctor(stack: Stack, debpress: Debpress) -> Callable[..., Findings]:
    """What is not well."""

    def ask(*options: str) -> Findings:
        done = debpress.run("doctor", "--json", "--uri", stack.outputs.apt_uri, *options)
        assert done.stderr == ""
        said = json.loads(done.stdout)
        found = [each for area in said["findings"].values() for each in area]
        assert done.returncode == (0 if said["good"] else 1)
        return [each for each in found if each["level"] != "ok"]

    return ask


@contextmanager
def lifecycle_rules(stack: Stack) -> Iterator[None]:
    """The emulator forgets a bucket's rules that come with a template (docs/emulator.md);
    by S3's own call it keeps them."""
    template = stack.client("cloudformation").get_template(StackName="debpress-archive")[
        "TemplateBody"
    ]
    [bucket] = [r for r in template["Resources"].values() if r["Type"] == "AWS::S3::Bucket"]
    rules = [
        {
            "ID": rule["Id"],
            "Status": rule["Status"],
            "Filter": {"Prefix": rule.get("Prefix", "")},
            **({"Expiration": expiration} if (expiration := _expiration(rule)) else {}),
            **{name: rule[name] for name in _SAME if name in rule},
        }
        for rule in bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    ]
    s3, name = stack.client("s3"), stack.outputs.bucket
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    yield
    s3.delete_bucket_lifecycle(Bucket=name)


_SAME = ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload")


def _expiration(rule: dict[str, Any]) -> dict[str, Any]:
    names = {"ExpirationInDays": "Days", "ExpiredObjectDeleteMarker": "ExpiredObjectDeleteMarker"}
    return {name: rule[key] for key, name in names.items() if key in rule}


@contextmanager
def broken(stack: Stack) -> Iterator[None]:
    """What somebody might do to a press by hand, put back afterwards."""
    s3, bucket = stack.client("s3"), stack.outputs.bucket
    scheduler, kms = stack.client("scheduler"), stack.client("kms")
    with ExitStack() as mended:

        def later(call: Callable[..., Any], **arguments: Any) -> None:
            mended.callback(call, Bucket=bucket, **arguments)

        policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
        later(s3.put_bucket_policy, Policy=json.dumps(policy))
        left = [s for s in policy["Statement"] if s.get("Sid") != "OnlyTheReaperDeletes"]
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({**policy, "Statement": left}))

        later(s3.put_bucket_versioning, VersioningConfiguration={"Status": "Enabled"})
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})

        on: dict[str, Any] = {"EventBridgeConfiguration": {}}
        later(s3.put_bucket_notification_configuration, NotificationConfiguration=on)
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})

        [prune] = [n for each in scheduler.list_schedules()["Schedules"]
                   if "Prune" in (n := each["Name"])]  # fmt: skip
        kept = scheduler.get_schedule(Name=prune)
        wanted = ("Name", "ScheduleExpression", "ScheduleExpressionTimezone", "Target",
                  "FlexibleTimeWindow", "Description")  # fmt: skip
        schedule = {name: kept[name] for name in wanted}
        mended.callback(scheduler.update_schedule, **schedule, State="ENABLED")
        scheduler.update_schedule(**schedule, State="DISABLED")

        # Not one that a test has brought from elsewhere.
        ids = [each["KeyId"] for each in kms.list_keys()["Keys"]]
        told = [kms.describe_key(KeyId=each)["KeyMetadata"] for each in ids]
        [key] = [each["KeyId"] for each in told if each["Origin"] == "AWS_KMS"]
        guard = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
        mended.callback(kms.put_key_policy, KeyId=key, PolicyName="default", Policy=guard)
        statements = [s for s in json.loads(guard)["Statement"] if s["Effect"] == "Allow"]
        changed = json.dumps({"Version": "2012-10-17", "Statement": statements})
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=changed)
        yield


def test_what_was_changed_by_hand_is_named_with_what_mends_it(
    stack: Stack, doctor: Callable[..., Findings]
) -> None:
    with lifecycle_rules(stack):
        with broken(stack):
            found = doctor()
        after = doctor()
    for message, command in (
        ("missing: OnlyTheReaperDeletes", "--revert-drift"),
        ("versions are not kept", "Status=Enabled"),
        ("EventBridge is not told", "put-bucket-notification-configuration"),
        ("(prune, daily) is disabled", "--revert-drift"),
        ("missing: OnlyTheSignerSigns", "--revert-drift"),
    ):
        [one] = [each for each in found if message in each["message"]]
        assert one["level"] == "wrong" and command in one["command"], one
        assert not [each for each in after if message in each["message"]]
    # Other tests' executions fail, as they are meant to; a new stack notifies nobody.
    assert {each["about"] for each in after} <= {"executions", "alarms", _key(after)}


def _key(findings: Findings) -> str:
    """The key's, which is not pinned."""
    [found] = [each for each in findings if "pin it" in each["remedy"]]
    return found["about"]


def test_stacks_that_are_not_there_are_told_and_the_rest_goes_on(
    doctor: Callable[..., Findings],
) -> None:
    found = doctor("--name", "another")
    assert [f["message"] for f in found if f["about"] == "stacks"] == [
        "there is no stack another-archive in us-east-1",
        "there is no stack another-press in us-east-1",
    ]
    # Without a template, the bucket and the key are asked for the guards of a press of that name,
    # whose functions they do not have.
    wrong = [f["message"] for f in found if f["level"] == "wrong" and f["about"] != "stacks"]
    assert any("OnlyTheSignerSigns is altered" in each for each in wrong)
    assert all("altered: Only" in each or "is altered" in each for each in wrong), wrong


def test_it_reads_well(stack: Stack, debpress: Debpress) -> None:
    """In 80 columns, but for what is to be copied; an area with its findings below it."""
    said = debpress.run("doctor", "--uri", stack.outputs.apt_uri).stdout.splitlines()
    assert said[0] == f"debpress in us-east-1, account 000000000000, bucket {stack.outputs.bucket}"
    assert "  ok       versions are kept" in said
    assert said[-1].endswith(" ok")
    prose = [line for line in said[1:] if line.startswith(("  ok", "  warning", "  wrong"))]
    assert len(prose) > 30 and max(map(len, prose)) <= 80


def test_without_credentials_it_is_one_sentence(
    debpress: Debpress, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delitem(debpress._uploads.ci.environment, name)
    assert "there are no AWS credentials" in debpress.refused("doctor")
