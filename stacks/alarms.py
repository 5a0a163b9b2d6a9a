"""Alarms: each names the section of docs/runbook.md that says what to do."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from .settings import Settings

_MISSING = cloudwatch.TreatMissingData
_OPERATORS = cloudwatch.ComparisonOperator


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

    `silence_rings`: whether it rings, too, when there is no data, some periods later than one might
    think (see `silence_alarm`). `section` is that of the runbook. A period is a day at most, and
    five minutes by default.
    """
    made = cloudwatch.Alarm(
        scope,
        f"{name}Alarm",
        metric=metric.with_(period=period or Duration.minutes(5)),
        threshold=threshold,
        evaluation_periods=1,
        comparison_operator=_OPERATORS.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treat_missing_data=_MISSING.BREACHING if silence_rings else _MISSING.NOT_BREACHING,
        alarm_description=_description(meaning, section),
    )
    _notify(scope, settings, name, made)


def silence_alarm(
    scope: Construct,
    settings: Settings,
    name: str,
    metric: cloudwatch.Metric,
    section: str,
    meaning: str,
    *,
    hours: int,
) -> cloudwatch.Alarm:
    """An alarm that rings when there was no data, of whatever value, for so many hours.

    It looks at each hour by itself: before CloudWatch takes missing data for breaching it looks for
    data some periods farther back (user guide, "Configuring how CloudWatch alarms treat missing
    data"), which are hours so, and would be days in an alarm of one long period. All hours together
    are a week at most (CloudWatch API, PutMetricAlarm, Period).
    """
    made = cloudwatch.Alarm(
        scope,
        f"{name}Alarm",
        metric=metric.with_(period=Duration.hours(1), statistic="SampleCount"),
        threshold=1,
        evaluation_periods=hours,
        comparison_operator=_OPERATORS.LESS_THAN_THRESHOLD,
        treat_missing_data=_MISSING.BREACHING,
        alarm_description=_description(meaning, section),
    )
    _notify(scope, settings, name, made)
    return made


def _description(meaning: str, section: str) -> str:
    return f"{meaning} See docs/runbook.md#{section}"


def _notify(scope: Construct, settings: Settings, name: str, made: cloudwatch.Alarm) -> None:
    for index, arn in enumerate(settings.alarm_topics):
        topic = sns.Topic.from_topic_arn(scope, f"{name}Topic{index}", arn)
        made.add_alarm_action(actions.SnsAction(topic))
