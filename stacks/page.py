"""Has the pages made that people look at, after each flip; nobody waits for them.

S3's event of an InRelease's being put calls `page`. So do a set-up and a key's rotation, after
which the pages may have to say something else. A call that fails is tried again by Lambda, twice,
and goes on where the first one stopped; then the event is kept in the queue of lost events, whose
alarm rings. The next flip makes good what was not done.
"""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct
from debpress.layout import Layout

from .functions import Functions
from .settings import Settings


class Page(Construct):
    """`outputs` say where the page is; they are none where none is made."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        settings: Settings,
        functions: Functions,
        bucket: s3.IBucket,
        lost: sqs.IQueue,
        uri: str,
    ) -> None:
        super().__init__(scope, id)
        self.outputs: dict[str, str] = {}
        if settings.repository.page is None:
            return
        function = functions["page"]
        function.add_environment("DEBPRESS_URI", uri)
        function.configure_async_invoke(
            on_failure=destinations.SqsDestination(lost),
            max_event_age=Duration.hours(6),
            retry_attempts=2,
        )
        layout = settings.repository.layout
        # A pattern has room for 2,048 characters (EventBridge's quotas), so it names no suite: of a
        # snapshot's InRelease the function finds nothing to do.
        flips = {"wildcard": layout.inrelease("*")}
        events.Rule(
            self,
            "Flips",
            description="debpress: a suite was flipped, or the keys or the deployment are others",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [bucket.bucket_name]},
                    "object": {"key": [flips, layout.key_gpg, Layout.setup()]},
                },
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
        self.outputs = {"Page": f"{uri}/index.html", "PageFunction": function.function_name}
