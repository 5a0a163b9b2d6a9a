"""What an operators' role may ask for `debpress doctor`, and do as the runbook says.

Doctor compares what is there with what was deployed, so it asks of each resource by name. The
runbook has logs read, lost events taken from their queue, and the functions called that schedules
call; not set-up, which changes keys (docs/keys.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from aws_cdk import Aws, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import IConstruct

from .kept import Kept
from .settings import Settings

OF_THE_BUCKET = (
    "s3:GetBucketNotification",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketVersioning",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
)
OF_STACKS = (
    "cloudformation:DescribeStackResources",
    "cloudformation:DescribeStacks",
    "cloudformation:GetTemplate",
    "cloudformation:ListStackResources",
)
OF_KEYS = ("kms:DescribeKey", "kms:GetKeyPolicy")
# No resource narrows these down (service authorization reference).
OF_THE_ACCOUNT = (
    "cloudformation:ListExports",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricStatistics",
    "lambda:GetAccountSettings",
    "logs:DescribeLogGroups",
    "logs:GetQueryResults",
    "scheduler:ListSchedules",
)
# What a schedule calls, or a record of what happened.
CALLED = ("announce", "mirror", "page", "prune", "reap")
OF_EXECUTIONS = (
    "states:DescribeExecution",
    "states:GetExecutionHistory",
    "states:RedriveExecution",
    "states:StopExecution",
)
_BY_KIND: dict[Any, tuple[str, ...]] = {
    events.CfnRule: ("events:DescribeRule",),
    # The attribute ends in `:*`, as policies name a log group (CloudWatch Logs API, "LogGroup").
    logs.CfnLogGroup: ("logs:FilterLogEvents", "logs:StartQuery"),
    lambda_.CfnFunction: ("lambda:GetFunctionConfiguration",),
    scheduler.CfnSchedule: ("scheduler:GetSchedule",),
    sqs.CfnQueue: ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
    sfn.CfnStateMachine: ("states:ListExecutions", "states:StartExecution"),
}


def statements(
    press: IConstruct,
    kept: Kept,
    keys: Iterable[iam.PolicyStatement],
    machine: sfn.StateMachine,
    called: Iterable[lambda_.IFunction],
) -> list[iam.PolicyStatement]:
    """What a role must be allowed to look at all in `press` and at what it works upon, and to call
    the functions `called`. `keys` are the statements on the signing keys."""
    elements = press.node.find_all()
    found = [_allow(OF_THE_BUCKET, [kept.bucket.bucket_arn]), *keys]
    if kept.encryption_key:
        found.append(_allow(OF_KEYS, [kept.encryption_key]))
    for kind, actions in _BY_KIND.items():
        found.append(_allow(actions, [e.attr_arn for e in elements if isinstance(e, kind)]))
    place = f"arn:{Aws.PARTITION}:states:{Aws.REGION}:{Aws.ACCOUNT_ID}"
    found.append(_allow(OF_EXECUTIONS, [f"{place}:execution:{machine.state_machine_name}:*"]))
    found.append(_allow(["lambda:InvokeFunction"], [each.function_arn for each in called]))
    found.append(_allow(OF_THE_ACCOUNT, ["*"]))
    return found


def at_replica(press: IConstruct, settings: Settings) -> list[iam.PolicyStatement]:
    """The same at the bucket that follows, where there is one, and at its stack."""
    if settings.replica is None or settings.replica_arn is None:
        return []
    stack = Stack.of(press).format_arn(
        service="cloudformation",
        region=settings.replica.region,
        resource="stack",
        resource_name=f"{settings.names.replica_stack}/*",
    )
    published = settings.repository.layout.patterns.published
    return [
        _allow((*OF_THE_BUCKET, "s3:ListBucket"), [settings.replica_arn]),
        _allow(["s3:GetObject"], [f"{settings.replica_arn}/{published}"]),
        _allow(OF_STACKS, [stack]),
    ]


def _allow(actions: Sequence[str], resources: list[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=resources)
