"""The daily prune and the hourly reaping, by EventBridge Scheduler, which must not end unheard.

Scheduler calls Lambda asynchronously, and is done when the call is accepted: what it could not
deliver goes to its own queue, and what breaks after that to the function's on-failure destination
(Scheduler user guide, "Configuring a dead-letter queue"; Lambda developer guide, "Capturing records
of asynchronous invocations"). These are one queue here. A schedule that is disabled or deleted
leaves nothing there; so an alarm rings when no prune and no reaping has ended in its period.
"""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct
from debpress import metrics
from debpress.metrics import SILENCE_HOURS

from .alarms import alarm, silence_alarm
from .functions import Functions
from .scheduler_role import let_call, scheduler_role
from .settings import Settings

# What is said by each call that ends well, and after how many hours its silence rings: of the prune
# two more than its period, for calls that are late or tried again. A call that fails is told at
# once, by the queue of lost events.
_SILENCES = (("Prune", "PrunesAsked", 26), ("Reap", "ObjectsLeftOver", SILENCE_HOURS))


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
        self._lost = lost
        self._role = scheduler_role(self, "the schedule may ask for a prune, and reap")
        lost.grant_send_messages(self._role)
        # An hour that is over brings a call of its own; a day that is over does not, so a prune is
        # tried for as long as Lambda does (six hours).
        functions["reap"].configure_async_invoke(
            on_failure=destinations.SqsDestination(lost), max_event_age=Duration.hours(1)
        )
        functions["prune"].configure_async_invoke(on_failure=destinations.SqsDestination(lost))
        self._call("Prune", "daily", functions["prune"], f"17 {settings.prune_hour} * * ? *")
        # The reaper waits for the grace and an hour more, so hourly a file lives no longer than the
        # grace and two hours, whenever it was un-named; daily, it would be another day. A call that
        # finds nothing is some thirty requests and one for each thousand objects.
        self._call("Reap", "hourly", functions["reap"], "47 * * * ? *")

        self.silence = [
            silence_alarm(
                self,
                settings,
                f"No{name}",
                cloudwatch.Metric(
                    namespace=metrics.NAMESPACE,
                    metric_name=metric,
                    dimensions_map=metrics.dimensions(bucket.bucket_name),
                ),
                f"no-{name.lower()}",
                f"No {name.lower()} has ended for {hours} hours.",
                hours=hours,
            )
            for name, metric, hours in _SILENCES
        ]
        refused = cloudwatch.Metric(
            namespace=metrics.NAMESPACE,
            metric_name="PrunesRefused",
            dimensions_map=metrics.dimensions(bucket.bucket_name),
            statistic="Sum",
        )
        meaning = "A prune would have taken more of a suite than its share allows."
        alarm(self, settings, "Refused", refused, "refused-prunes", meaning)

    def _call(self, name: str, how_often: str, function: lambda_.IFunction, cron: str) -> None:
        let_call(self._role, function.function_arn)
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
