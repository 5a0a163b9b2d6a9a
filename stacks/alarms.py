"""Alarms: each names the section of docs/runbook.md that says what to do."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.settings import Settings


def alarm(
    scope: Construct,
    settings: Settings,
    name: str,
    metric: cloudwatch.Metric,
    section: str,
    meaning: str,
    *,
    threshold: float = 1,
    period: Duration | None = None,
    silence_rings: bool = False,
) -> None:
    """An alarm that rings when the metric reaches `threshold` in one period.

    `silence_rings`: whether it rings, too, when there is no data. `section` is that of the runbook.
    A period is a day at most, and five minutes by default.
    """
    missing = cloudwatch.TreatMissingData
    made = cloudwatch.Alarm(
        scope,
        f"{name}Alarm",
        metric=metric.with_(period=period or Duration.minutes(5)),
        threshold=threshold,
        evaluation_periods=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treat_missing_data=missing.BREACHING if silence_rings else missing.NOT_BREACHING,
        alarm_description=f"{meaning} See docs/runbook.md#{section}",
    )
    for index, arn in enumerate(settings.alarm_topics):
        topic = sns.Topic.from_topic_arn(scope, f"{name}Topic{index}", arn)
        made.add_alarm_action(actions.SnsAction(topic))
