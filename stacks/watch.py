"""Measures every five minutes what waits and how old each release is, and rings when it is long."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct
from debpress import metrics
from debpress.steps.watch import MINUTES

from .alarms import alarm, silence_alarm
from .functions import Functions
from .scheduler_role import let_call, scheduler_role
from .settings import Settings

PATIENCE = Duration.seconds(metrics.PATIENCE)


class Watch(Construct):
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
        function = functions["watch"]
        role = scheduler_role(self, "the schedule may have the queues and releases measured")
        let_call(role, function.function_arn)
        # One that fails, tries and all, is kept, by which an alarm rings. Where none comes, another
        # one does for want of data.
        function.configure_async_invoke(
            max_event_age=Duration.minutes(MINUTES),
            on_failure=destinations.SqsDestination(lost),
        )
        scheduler.CfnSchedule(
            self,
            "Look",
            description="debpress: what waits, and how old is each release?",
            schedule_expression=f"rate({MINUTES} minutes)",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=function.function_arn,
                role_arn=role.role_arn,
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=60 * MINUTES, maximum_retry_attempts=0
                ),
            ),
        )
        waiting = cloudwatch.Metric(
            namespace=metrics.NAMESPACE,
            metric_name="SecondsWaiting",
            dimensions_map=metrics.dimensions(bucket.bucket_name),
            statistic="Maximum",
        )
        # One for all suites, and for what waits and what had waited.
        alarm(
            self,
            settings,
            "Waiting",
            waiting,
            "a-batch-that-waits",
            "A batch waits for a quarter of an hour, or took as long to become visible.",
            threshold=PATIENCE.to_seconds(),
            period=PATIENCE,
        )
        self.silence = [
            silence_alarm(
                self,
                settings,
                "NoLook",
                waiting,
                "no-look",
                f"Nobody has looked at what waits for {metrics.SILENCE_HOURS} hours.",
                hours=metrics.SILENCE_HOURS,
            )
        ]
