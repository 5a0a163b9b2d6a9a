"""The EventBridge rule that starts an execution of the workflow when a manifest is uploaded."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct
from debpress.layout import MANIFEST_PATTERNS, STAGING

from .alarms import alarm
from .settings import Settings


class Trigger(Construct):
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        settings: Settings,
        bucket: s3.IBucket,
        machine: sfn.IStateMachine,
    ) -> None:
        super().__init__(scope, id)
        self.lost = sqs.Queue(
            self,
            "LostEvents",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        events.Rule(
            self,
            "Manifests",
            description="debpress: a manifest was uploaded",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [bucket.bucket_name]},
                    "object": {"key": [{"wildcard": each} for each in _keys()]},
                },
            ),
            targets=[
                targets.SfnStateMachine(
                    machine,
                    dead_letter_queue=self.lost,
                    max_event_age=Duration.hours(24),
                    retry_attempts=185,
                )
            ],
        )
        alarm(
            self,
            settings,
            "LostEvents",
            # At each that comes: as alarms tell of changes alone, one that lies there unread must
            # not keep the next from being told.
            self.lost.metric_number_of_messages_sent(statistic="Sum"),
            "lost-events",
            "A call was lost: the workflow's by an upload, a schedule's or a set-up's.",
        )


def _keys() -> list[str]:
    """The patterns of manifests' keys. Each has a single wildcard, for any number of folders, since
    EventBridge refuses rules that are too complex; `open` ignores keys that are no batch's."""
    return [f"{STAGING}{name.replace('*/*', '*')}" for name in MANIFEST_PATTERNS]
