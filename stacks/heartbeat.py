"""Signs suites with `valid_for` anew, on a schedule, before hosts refuse them as too old.

A beat is an execution of the workflow, every six hours, whatever the validity. It signs anew when a
third of the validity is over; an alarm rings at a half, and another one when two beats in a row did
not come. Of the shortest validity, a week, a third and a half are 56 and 84 hours, so four beats in
a row must fail before the first alarm rings. A beat that has nothing to
do is a short call of merge and one of finish: 120 beats a month cost three US cents a suite.
"""

from __future__ import annotations

import json

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct
from debpress import metrics

from .alarms import alarm, silence_alarm
from .scheduler_role import scheduler_role
from .settings import Settings

HOURS = 6


class Heartbeat(Construct):
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        settings: Settings,
        bucket: s3.IBucket,
        machine: sfn.IStateMachine,
        lost: sqs.IQueue,
    ) -> None:
        super().__init__(scope, id)
        self.silence: list[cloudwatch.Alarm] = []
        suites = [s.suite for s in settings.repository.suites if s.valid_for is not None]
        if not suites:
            return
        role = scheduler_role(self, "the heartbeat may start the workflow")
        machine.grant_start_execution(role)
        lost.grant_send_messages(role)
        for suite in suites:
            scheduler.CfnSchedule(
                self,
                f"Beat-{suite}",
                description=f"debpress: signs {suite} anew when a third of its validity is over",
                schedule_expression=f"rate({HOURS} hours)",
                flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
                target=scheduler.CfnSchedule.TargetProperty(
                    arn=machine.state_machine_arn,
                    role_arn=role.role_arn,
                    input=json.dumps({"suite": suite, "heartbeat": True}),
                    retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                        maximum_event_age_in_seconds=3600, maximum_retry_attempts=3
                    ),
                    dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(
                        arn=lost.queue_arn
                    ),
                ),
            )
            used = cloudwatch.Metric(
                namespace=metrics.NAMESPACE,
                metric_name="ValidityUsed",
                dimensions_map=metrics.dimensions(bucket.bucket_name, suite),
                statistic="Maximum",
            )
            meaning = f"Half the validity of {suite} is over."
            alarm(
                self,
                settings,
                f"Validity-{suite}",
                used,
                "validity",
                meaning,
                threshold=0.5,
                period=Duration.hours(2 * HOURS),  # So that it rings on from beat to beat.
            )
            silence = silence_alarm(
                self,
                settings,
                f"NoHeartbeat-{suite}",
                used,
                "no-heartbeat",
                f"No heartbeat has looked at {suite} for {2 * HOURS} hours.",
                hours=2 * HOURS,
            )
            self.silence.append(silence)
