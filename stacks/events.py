"""Events on the account's bus: who sends them, and the topics that are told of them.

S3's event of a record's being put calls `announce`, which tells what the record says. A call that
fails is tried again by Lambda, twice; then the event is kept in the queue of lost events, whose
alarm rings. docs/events.md describes the events.
"""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct
from debpress.records.events import SOURCE
from debpress.steps.announce import TOLD

from .functions import Functions
from .settings import Settings
from .written import Written


class Events(Construct):
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
        announce = functions["announce"]
        bus = Stack.of(self).format_arn(
            service="events", resource="event-bus", resource_name="default"
        )
        announce.add_to_role_policy(
            iam.PolicyStatement(
                actions=["events:PutEvents"],
                resources=[bus],
                conditions={"StringEquals": {"events:source": SOURCE}},
            )
        )
        Written(
            self,
            "Records",
            "debpress: a result, a prune's report or a rotation's record was written",
            bucket,
            [_key(each) for each in TOLD],
            announce,
            lost,
        )
        for index, listener in enumerate(settings.event_topics):
            self._tell(f"Topic{index}", listener.topic, listener.events, bucket)

    def _tell(self, name: str, topic: str, kinds: tuple[str, ...], bucket: s3.IBucket) -> None:
        """A rule that sends the events' summaries to a topic of SNS. The topic is somebody's own,
        so its policy must let EventBridge publish (docs/events.md)."""
        events.Rule(
            self,
            name,
            description=f"debpress: tells {topic.rpartition(':')[2]} of {', '.join(kinds)}",
            event_pattern=events.EventPattern(
                source=[SOURCE],
                detail_type=list(kinds),
                # Another press of the account and Region sends to the same bus.
                detail={"record": {"bucket": [bucket.bucket_name]}},
            ),
            targets=[
                targets.SnsTopic(
                    sns.Topic.from_topic_arn(self, f"{name}Of", topic),
                    message=events.RuleTargetInput.from_text(
                        f"debpress: {events.EventField.from_path('$.detail.summary')}"
                    ),
                    dead_letter_queue=self._lost,
                    max_event_age=Duration.hours(24),
                    retry_attempts=185,
                )
            ],
        )


def _key(pattern: str) -> str | dict[str, str]:
    """As simple as may be: EventBridge refuses rules that are too complex."""
    stars = pattern.count("*")
    if stars == 1 and pattern.endswith("*"):
        return {"prefix": pattern.rstrip("*")}
    return {"wildcard": pattern} if stars else pattern
