"""The daily prune, by EventBridge Scheduler."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.alarms import alarm
from stacks.functions import Functions
from stacks.settings import Settings


class Schedule(Construct):
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        settings: Settings,
        functions: Functions,
        lost: sqs.IQueue,
    ) -> None:
        super().__init__(scope, id)
        prune = functions["prune"]
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com"),
            description="debpress: the schedule may ask for a prune",
        )
        role.add_to_policy(
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[prune.function_arn])
        )
        lost.grant_send_messages(role)
        scheduler.CfnSchedule(
            self,
            "Prune",
            description="debpress: prune old versions",
            schedule_expression=f"cron(17 {settings.prune_hour} * * ? *)",
            schedule_expression_timezone="UTC",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=prune.function_arn,
                role_arn=role.role_arn,
                input="{}",
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=3600, maximum_retry_attempts=3
                ),
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(
                    arn=lost.queue_arn
                ),
            ),
        )
        alarm(
            self, "Prune", prune.metric_errors(), "prune-errors", "The daily prune did not start."
        )
