"""The daily prune and the hourly reaping, by EventBridge Scheduler."""

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
        self._call("Prune", "daily", functions["prune"], f"17 {settings.prune_hour} * * ? *")
        # The reaper waits for the grace and an hour more, so hourly a file lives no longer than the
        # grace and two hours, whenever it was un-named; daily, it would be another day. A call that
        # finds nothing is some thirty requests and one for each thousand objects.
        self._call("Reap", "hourly", functions["reap"], "47 * * * ? *")

        for suite in settings.repository.suites:
            refused = cloudwatch.Metric(
                namespace=metrics.NAMESPACE,
                metric_name="PrunesRefused",
                dimensions_map=metrics.dimensions(bucket.bucket_name, suite.suite),
                statistic="Sum",
            )
            meaning = f"A prune of {suite.suite} would have taken more than its share allows."
            alarm(self, settings, f"Refused-{suite.suite}", refused, "refused-prunes", meaning)

    def _call(self, name: str, how_often: str, function: lambda_.IFunction, cron: str) -> None:
        self._role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["lambda:InvokeFunction"], resources=[function.function_arn]
            )
        )
        scheduler.CfnSchedule(
            self,
            name,
            description=f"debpress: {name.lower()}, {how_often}",
            schedule_expression=f"cron({cron})",
            schedule_expression_timezone="UTC",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=function.function_arn,
                role_arn=self._role.role_arn,
                # EventBridge Scheduler user guide, "Adding context attributes". A call that comes
                # twice, or is tried again, tells the same time.
                input='{"scheduled": "<aws.scheduler.scheduled-time>"}',
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=3600, maximum_retry_attempts=3
                ),
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(
                    arn=self._lost.queue_arn
                ),
            ),
        )
        meaning = f"The {how_often} {name.lower()} failed."
        metric = function.metric_errors()
        alarm(self, self._settings, name, metric, f"{name.lower()}-errors", meaning)
