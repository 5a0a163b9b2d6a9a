"""The rule by which S3's event of an object that was written calls a function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct


class Written(events.Rule):
    """`keys` are those of EventBridge's patterns. A call that EventBridge can't make for a day, or
    that fails three times, is kept in the queue `lost`."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        description: str,
        bucket: s3.IBucket,
        keys: Sequence[Any],
        function: lambda_.Function,
        lost: sqs.IQueue,
    ) -> None:
        function.configure_async_invoke(
            on_failure=destinations.SqsDestination(lost),
            max_event_age=Duration.hours(6),
            retry_attempts=2,
        )
        super().__init__(
            scope,
            id,
            description=description,
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={"bucket": {"name": [bucket.bucket_name]}, "object": {"key": list(keys)}},
            ),
            targets=[
                targets.LambdaFunction(
                    function,
                    dead_letter_queue=lost,
                    max_event_age=Duration.hours(24),
                    retry_attempts=185,
                )
            ],
        )
