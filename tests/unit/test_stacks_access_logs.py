"""The log of requests to the bucket, where it is asked for: who writes it, and who reads it."""

from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from debpress.errors import ConfigError

from stacks import settings
from stacks.repository import AptRepository
from tests.support.templates import Deployment, context, permissions, readable, synthesise

OPERATORS = [{"name": "Team", "principals": ["arn:aws:iam::111122223333:role/admin"]}]
LOGS = "debpress-logs-<AWS::AccountId>-<AWS::Region>"


@pytest.fixture(scope="module")
def stacks() -> Deployment:
    return synthesise(nag=True, access_logs=30, roles={"operators": OPERATORS})


def bucket(stacks: Deployment, *, of_logs: bool) -> dict[str, Any]:
    found = stacks.archive.resources("AWS::S3::Bucket").values()
    [one] = [each for each in found if ("LoggingConfiguration" in each) != of_logs]
    return one


def test_requests_are_logged_and_what_is_old_goes(stacks: Deployment) -> None:
    logs = bucket(stacks, of_logs=True)
    assert readable(logs["BucketName"]) == LOGS
    assert set(logs["PublicAccessBlockConfiguration"].values()) == {True}
    [rule] = logs["LifecycleConfiguration"]["Rules"]
    assert (rule["ExpirationInDays"], rule["Status"]) == (30, "Enabled")
    asked = bucket(stacks, of_logs=False)["LoggingConfiguration"]
    assert asked["LogFilePrefix"] == "requests/"
    # S3 writes no log into a bucket that a key of KMS encrypts.
    [encrypts] = logs["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encrypts["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    kept = [
        each["DeletionPolicy"]
        for each in stacks.archive.data["Resources"].values()
        if each["Type"] == "AWS::S3::Bucket"
    ]
    assert len(kept) == 2 and "Delete" not in kept


def test_nobody_but_s3_writes_it_and_of_the_one_bucket_alone(stacks: Deployment) -> None:
    policies = stacks.archive.resources("AWS::S3::BucketPolicy").values()
    [policy] = [each for each in policies if "logging.s3" in json.dumps(each)]
    allowed = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    [writes] = allowed
    assert writes["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    assert writes["Action"] == "s3:PutObject"
    assert readable(writes["Resource"]).endswith("/requests/*")
    assert set(writes["Condition"]) == {"ArnLike", "StringEquals"}


def test_operators_read_it(stacks: Deployment) -> None:
    [policy] = [
        line
        for line in permissions(stacks)
        if line.startswith("Roles") and "s3:GetBucketLogging" in line
    ]
    assert policy
    reads = [line for line in permissions(stacks) if LOGS in line]
    assert all(("s3:GetObject" in each) or ("s3:ListBucket" in each) for each in reads)
    assert len(reads) == 2


def test_cdk_nag_has_nothing_to_add(stacks: Deployment) -> None:
    assert stacks.findings == frozenset()


def test_a_bucket_of_somebody_elses_is_theirs_to_log() -> None:
    stack = cdk.Stack(cdk.App())
    bucket = s3.Bucket(stack, "Theirs")
    suites = context()["debpress"]["suites"]
    with pytest.raises(ConfigError, match="access_logs: are set at the bucket itself"):
        AptRepository(stack, "Apt", suites=suites, bucket=bucket, access_logs=30)


@pytest.mark.parametrize(
    "given", [{"access_logs": 0}, {"access_logs": "30x"}, {"access_logs": 30, "name": "n" * 31}]
)
def test_what_is_wrong_is_named(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="access_logs"):
        settings.read(cdk.App(context=context(**given)).node)
