"""The role by which EventBridge Scheduler makes the calls of a schedule."""

from __future__ import annotations

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from constructs import Construct


def scheduler_role(scope: Construct, may: str) -> iam.Role:
    """`may` says what it is for. Scheduler takes it for schedules of this account alone (Scheduler
    user guide, "Confused deputy prevention")."""
    return iam.Role(
        scope,
        "Role",
        assumed_by=iam.ServicePrincipal(
            "scheduler.amazonaws.com",
            conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
        ),
        description=f"debpress: {may}",
    )


def let_call(role: iam.Role, function_arn: str) -> None:
    role.add_to_principal_policy(
        iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[function_arn])
    )
