"""The daily prune and the daily reaping, by EventBridge Scheduler."""

from __future__ import annotations

from aws_cdk import Aws
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct
from debpress import metrics

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
        bucket: s3.IBucket,
        lost: sqs.IQueue,
    ) -> None:
        super().__init__(scope, id)
        self._settings = settings
        self._lost = lost
        self._role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            ),
            description="debpress: the schedule may ask for a prune, and reap",
        )
        lost.grant_send_messages(self._role)
        self._daily("Prune", functions["prune"], 17, settings.prune_hour)
        # Some time later: what is pruned now is reaped when the grace is over, tomorrow at best.
        self._daily("Reap", functions["reap"], 47, settings.prune_hour)

        for suite in settings.repository.suites:
            refused = cloudwatch.Metric(
                namespace=metrics.NAMESPACE,
                metric_name="PrunesRefused",
                dimensions_map=metrics.dimensions(bucket.bucket_name, suite.suite),
                statistic="Sum",
            )
            meaning = f"A prune of {suite.suite} would have taken too much."
            alarm(self, settings, f"Refused-{suite.suite}", refused, "refused-prunes", meaning)

    def _daily(self, name: str, function: lambda_.IFunction, minute: int, hour: int) -> None:
        self._role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["lambda:InvokeFunction"], resources=[function.function_arn]
            )
        )
        scheduler.CfnSchedule(
            self,
            name,
            description=f"debpress: {name.lower()}, daily",
            schedule_expression=f"cron({minute} {hour} * * ? *)",
            schedule_expression_timezone="UTC",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=function.function_arn,
                role_arn=self._role.role_arn,
                input="{}",
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=3600, maximum_retry_attempts=3
                ),
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(
                    arn=self._lost.queue_arn
                ),
            ),
        )
        meaning = f"The daily {name.lower()} failed."
        metric = function.metric_errors()
        alarm(self, self._settings, name, metric, f"{name.lower()}-errors", meaning)
