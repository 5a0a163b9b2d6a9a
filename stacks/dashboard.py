"""The dashboard: what an operator looks at first, the most urgent on top.

The first three of an account cost nothing where each shows at most fifty metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct
from debpress import metrics

from .functions import Functions
from .settings import Settings
from .workflow import PublishWorkflow

_WIDTH = 24
# What one widget shows at most (CloudWatch user guide, "Alarm status widget").
_ALARMS = 100
_HOUR = Duration.hours(1)
_DAY = Duration.days(1)
_FIVE_MINUTES = Duration.minutes(5)

# The pages that whoever looks here may want, and what for.
_PAGES = (
    ("runbook.md", "what to do when an alarm rings"),
    ("operators.md", "status, verify, rollback, prune"),
    ("errors.md", "why a batch was rejected"),
    ("keys.md", "signing keys"),
    ("events.md", "the events that say the same"),
)


# A graph that lacks its width, which is its row's to give.
_Graph = Callable[..., cloudwatch.IWidget]


@dataclass(frozen=True, slots=True)
class Shown:
    """The parts of the stack that the dashboard shows."""

    bucket: s3.IBucket
    functions: Functions
    workflow: PublishWorkflow
    lost: sqs.IQueue


class Dashboard(Construct):
    """Shows these, and every alarm that the stack has when this is made."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        settings: Settings,
        shown: Shown,
    ) -> None:
        super().__init__(scope, id)
        self._bucket = shown.bucket
        self._functions = shown.functions
        # The mirror's would be more than fifty metrics; it has alarms, and how far it is behind.
        self._shown = {n: size for n, size in shown.functions.sizes.items() if n != "mirror"}
        self._follows = settings.replica is not None
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=settings.names.dashboard,
            default_interval=_DAY,
            period_override=cloudwatch.PeriodOverride.INHERIT,
            widgets=[
                [_text(settings)],
                self._alarms(),
                self._publishes(),
                self._releases(shown.lost),
                self._machinery(shown.workflow),
                self._housekeeping(),
                self._cost(),
            ],
        )

    def _alarms(self) -> list[cloudwatch.IWidget]:
        every = [each for each in Stack.of(self).node.find_all() if _is_alarm(each)]
        return [
            cloudwatch.AlarmStatusWidget(
                title="Alarms: each names its section of the runbook",
                alarms=cast("list[cloudwatch.IAlarm]", every[start : start + _ALARMS]),
                width=_WIDTH,
                height=4,
            )
            for start in range(0, len(every), _ALARMS)
        ]

    def _publishes(self) -> list[cloudwatch.IWidget]:
        return _row(
            self._log(
                "Batches an hour, by result",
                ["announce"],
                "sum(BatchesPublished) as published, sum(BatchesRejected) as rejected, "
                "sum(BatchesFailed) as failed by bin(1h)",
                stacked=True,
            ),
            self._log(
                "Manifest to visible, seconds",
                ["announce"],
                "pct(SecondsToVisible, 90) as p90, max(SecondsToVisible) as longest by bin(1h)",
            ),
            self._log(
                "The oldest batch that waits, seconds",
                ["watch"],
                "max(SecondsWaiting) as waiting by bin(5m)",
            ),
        )

    def _releases(self, lost: sqs.IQueue) -> list[cloudwatch.IWidget]:
        queue = lost.metric_approximate_number_of_messages_visible(
            label="in the queue of lost events", statistic="Maximum"
        )
        stats = "max(SecondsBehind) as behind by bin(5m)"
        follows = [self._log("Replica behind, seconds", ["mirror"], stats)] if self._follows else []
        return _row(
            *follows,
            self._log(
                "Age of the newest and of the oldest InRelease, seconds",
                ["watch"],
                "min(InReleaseAge) as newest, max(InReleaseAge) as oldest by bin(1h)",
            ),
            _graph(
                "Validity used, of suites with valid_for (0.33: signed anew, 1: hosts refuse)",
                [self._suites("ValidityUsed", "Maximum", Duration.hours(6))],
                "Share",
                most=1,
            ),
            _graph("Lost events", [queue], "Messages"),
        )

    def _machinery(self, workflow: PublishWorkflow) -> list[cloudwatch.IWidget]:
        machine = workflow.machine
        failed = [
            machine.metric_started(label="started", period=_HOUR),
            machine.metric_failed(label="failed", period=_HOUR),
            machine.metric_timed_out(label="timed out", period=_HOUR),
            machine.metric_throttled(label="throttled", period=_HOUR),
        ]
        errors = [self._functions[n].metric_errors(label=n, period=_HOUR) for n in self._shown]
        durations = [
            self._functions[n].metric_duration(label=n, statistic="Maximum", period=_HOUR)
            for n in self._shown
        ]
        # Concurrency is the account's: where it is used up, whoever calls next is throttled.
        throttles = cloudwatch.Metric(
            namespace="AWS/Lambda",
            metric_name="Throttles",
            statistic="Sum",
            label="throttled calls of the whole account",
            period=_HOUR,
        )
        return _row(
            _graph("Executions of the workflow an hour", failed, "Executions"),
            _graph("Errors of functions an hour", errors, "Errors", stacked=True),
            _graph("Throttles an hour", [throttles], "Calls"),
            _graph("The longest calls of functions", durations, "Milliseconds"),
        )

    def _housekeeping(self) -> list[cloudwatch.IWidget]:
        return _row(
            self._log(
                "Versions pruned a day",
                ["finish"],
                "sum(VersionsPruned) as pruned, sum(VersionsLeftOver) as left, "
                "sum(PrunesRefused) as refused by bin(1d)",
            ),
            self._log(
                "Objects reaped a day",
                ["reap"],
                "sum(ObjectsReaped) as published, sum(FilesUnstaged) as staged by bin(1d)",
            ),
            self._log(
                "Bytes reaped a day",
                ["reap"],
                "sum(BytesReaped) as published, sum(BytesUnstaged) as staged by bin(1d)",
            ),
        )

    def _cost(self) -> list[cloudwatch.IWidget]:
        spent = {
            f"d{index}": self._functions[name].metric_duration(statistic="Sum", period=_DAY)
            for index, name in enumerate(self._shown)
        }
        sizes = (size.memory for size in self._shown.values())
        terms = (f"{key}*{mb}" for key, mb in zip(spent, sizes, strict=True))
        gb_seconds = cloudwatch.MathExpression(
            expression=f"({'+'.join(terms)})/1024000",
            using_metrics=cast("dict[str, cloudwatch.IMetric]", spent),
            label="all functions",
            period=_DAY,
        )
        return _row(
            _graph("GB-seconds of Lambda a day", [gb_seconds], "GB-seconds"),
            _graph("Bytes in the bucket", [self._storage("BucketSizeBytes")], "Bytes"),
            _graph("Objects in the bucket", [self._storage("NumberOfObjects")], "Objects"),
        )

    def _log(
        self, title: str, functions: Sequence[str], stats: str, *, stacked: bool = False
    ) -> _Graph:
        """What functions say in their logs, all suites together: it is no metric, and costs what it
        takes to read them when somebody looks."""
        view = cloudwatch.LogQueryVisualizationType
        return partial(
            cloudwatch.LogQueryWidget,
            title=title,
            log_group_names=[self._functions.logs[name].log_group_name for name in functions],
            query_lines=[f"stats {stats}"],
            view=view.STACKEDAREA if stacked else view.LINE,
        )

    def _suites(self, name: str, statistic: str, period: Duration) -> cloudwatch.IMetric:
        """A metric of each suite, also of those that are configured later."""
        found = (
            f"{{{metrics.NAMESPACE},Bucket,Suite}} "
            f'Bucket="{self._bucket.bucket_name}" MetricName="{name}"'
        )
        return cloudwatch.MathExpression(
            expression=f"SEARCH('{found}', '{statistic}')",
            label="${PROP('Dim.Suite')}",
            period=period,
            using_metrics={},
        )

    def _storage(self, name: str) -> cloudwatch.IMetric:
        """What S3 says of the bucket once a day, and for nothing (S3 user guide, "Metrics and
        dimensions"). Its metrics of requests are charged, so the stack does not turn them on."""
        kind = "StandardStorage" if name == "BucketSizeBytes" else "AllStorageTypes"
        return cloudwatch.Metric(
            namespace="AWS/S3",
            metric_name=name,
            dimensions_map={"BucketName": self._bucket.bucket_name, "StorageType": kind},
            statistic="Average",
            label="all versions",
            period=_DAY,
        )


def _is_alarm(construct: object) -> bool:
    return isinstance(construct, cloudwatch.Alarm)


def _text(settings: Settings) -> cloudwatch.IWidget:
    def page(name: str) -> str:
        return f"[{name}]({settings.docs_url}/{name})" if settings.docs_url else f"`docs/{name}`"

    pages = " · ".join(f"{page(name)}: {about}" for name, about in _PAGES)
    suites = ", ".join(each.suite for each in settings.repository.described)
    return cloudwatch.TextWidget(
        markdown=(
            f"# {settings.name}: {suites}\n"
            "From top to bottom: what rings, what people wait for, how old what hosts read is, the "
            "machinery, housekeeping, cost. Begin with `debpress status` and `debpress verify`.\n\n"
            f"{pages}"
        ),
        width=_WIDTH,
        height=4,
    )


def _row(*graphs: _Graph) -> list[cloudwatch.IWidget]:
    return [graph(width=_WIDTH // len(graphs), height=6) for graph in graphs]


def _graph(
    title: str,
    shown: Sequence[cloudwatch.IMetric],
    unit: str,
    *,
    stacked: bool = False,
    most: float | None = None,
) -> _Graph:
    return partial(
        cloudwatch.GraphWidget,
        title=title,
        left=list(shown),
        left_y_axis=cloudwatch.YAxisProps(label=unit, min=0, max=most, show_units=False),
        stacked=stacked,
    )
