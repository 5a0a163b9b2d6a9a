"""Measures every five minutes what waits and how old each release is, and rings when it is long."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct
from debpress import metrics
from debpress.steps.watch import MINUTES

from .alarms import alarm
from .functions import Functions
from .scheduler_role import let_call, scheduler_role
from .settings import Settings

# A publish takes seconds, one of hundreds of packages minutes; and a batch whose execution breaks
# down is answered after a few minutes of retries. After a quarter of an hour, nobody is at it.
PATIENCE = Duration.minutes(15)


class Watch(Construct):
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        settings: Settings,
        functions: Functions,
        bucket: s3.IBucket,
    ) -> None:
        super().__init__(scope, id)
        function = functions["watch"]
        role = scheduler_role(self, "the schedule may have the queues and releases measured")
        let_call(role, function.function_arn)
        # One that fails is followed by the next, so it is neither retried nor kept; where none
        # comes, the alarm rings for want of data.
        function.configure_async_invoke(retry_attempts=0)
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
        # One for all suites: it is charged for all month, and so is its metric.
        alarm(
            self,
            settings,
            "Waiting",
            _longest("SecondsWaiting", bucket),
            "a-batch-that-waits",
            "A batch waits for a quarter of an hour, or nobody looks.",
            threshold=PATIENCE.to_seconds(),
            period=PATIENCE,
            silence_rings=True,
        )
        for suite in settings.repository.suites:
            name = suite.suite
            alarm(
                self,
                settings,
                f"Slow-{name}",
                _longest("SecondsToVisible", bucket, name),
                "slow-publishes",
                f"A batch of {name} took a quarter of an hour to become visible.",
                threshold=PATIENCE.to_seconds(),
            )


def _longest(name: str, bucket: s3.IBucket, suite: str | None = None) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=metrics.NAMESPACE,
        metric_name=name,
        dimensions_map=metrics.dimensions(bucket.bucket_name, suite),
        statistic="Maximum",
    )
