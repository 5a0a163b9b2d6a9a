"""Has the bucket in another Region follow, on a schedule, and rings when it does not.

The function is the press's, in the archive's Region: it reads most there, and goes with the press,
of which it is one more step. The replica's stack is a bucket alone, and stands when this Region is
gone. docs/decisions/0016-second-region.md says why S3's own replication is not enough.
"""

from __future__ import annotations

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct
from debpress import metrics

from .alarms import alarm, silence_alarm
from .functions import Functions, statements
from .permissions import mirrored
from .scheduler_role import let_call, scheduler_role
from .settings import Settings

MINUTES = 5

# Three calls in a row, of which each copies as much as S3 does in a quarter of an hour.
PATIENCE = Duration.minutes(15)
_SECTION = "a-replica-that-is-behind"
_SILENCE = 2  # hours


class Mirror(Construct):
    """`outputs` say where the replica is; they are none where there is none."""

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
        self.silence: list[cloudwatch.Alarm] = []
        self.outputs: dict[str, str] = {}
        name, arn, replica = settings.replica_bucket, settings.replica_arn, settings.replica
        if name is None or arn is None or replica is None:
            return
        function = functions["mirror"]
        there = s3.Bucket.from_bucket_attributes(self, "Replica", bucket_name=name, bucket_arn=arn)
        for statement in statements(there, mirrored(settings.repository.layout)):
            # The name may be anybody's until the replica's stack has it, or after it was deleted.
            statement.add_condition("StringEquals", {"aws:ResourceAccount": Aws.ACCOUNT_ID})
            functions.role("mirror").add_to_principal_policy(statement)
        function.add_environment("DEBPRESS_REPLICA", name)
        function.add_environment("DEBPRESS_REPLICA_REGION", replica.region)
        # One that fails is followed by the next, and has an alarm; so it is neither retried nor
        # kept. What could not be delivered at all is, in the queue.
        function.configure_async_invoke(retry_attempts=0, max_event_age=Duration.minutes(MINUTES))
        role = scheduler_role(self, "the schedule may have the replica follow")
        let_call(role, function.function_arn)
        lost.grant_send_messages(role)
        for title, does, rate, asked in (
            ("Follow", "the replica follows", f"rate({MINUTES} minutes)", "{}"),
            ("Tidy", "the replica is tidied", "cron(27 * * * ? *)", '{"tidy": true}'),
        ):
            scheduler.CfnSchedule(
                self,
                title,
                description=f"debpress: {does}",
                schedule_expression=rate,
                schedule_expression_timezone="UTC",
                flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
                target=scheduler.CfnSchedule.TargetProperty(
                    arn=function.function_arn,
                    role_arn=role.role_arn,
                    input=asked,
                    retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                        maximum_event_age_in_seconds=60 * MINUTES, maximum_retry_attempts=3
                    ),
                    dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(
                        arn=lost.queue_arn
                    ),
                ),
            )
        self.outputs = {"Replica": name, "ReplicaRegion": replica.region}
        errors = "A call that has the replica follow failed."
        alarm(self, settings, "Mirror", function.metric_errors(), _SECTION, errors)
        silence = silence_alarm(
            self,
            settings,
            "NoMirror",
            function.metric_invocations(),
            _SECTION,
            f"Nobody has had the replica follow for {_SILENCE} hours.",
            hours=_SILENCE,
        )
        self.silence.append(silence)
        for suite in settings.repository.suites:
            self._alarms(settings, bucket, suite.suite)

    def _alarms(self, settings: Settings, bucket: s3.IBucket, suite: str) -> None:
        behind = cloudwatch.Metric(
            namespace=metrics.NAMESPACE,
            metric_name="SecondsBehind",
            dimensions_map=metrics.dimensions(bucket.bucket_name, suite),
            statistic="Maximum",
        )
        alarm(
            self,
            settings,
            f"Behind-{suite}",
            behind,
            _SECTION,
            f"The replica of {suite} lacks a release of a quarter of an hour ago.",
            threshold=PATIENCE.to_seconds(),
        )
