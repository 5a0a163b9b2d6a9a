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
        batches = [
            self._suites(f"Batches{status}", "Sum", _HOUR, f"{status}: ")
            for status in ("Published", "Rejected", "Failed")
        ]
        return _row(
            _graph("Batches an hour, by suite and result", batches, "Batches", stacked=True),
            _graph(
                "Manifest to visible, by suite",
                [
                    self._suites("SecondsToVisible", "p90", _HOUR, "p90 "),
                    self._suites("SecondsToVisible", "Maximum", _HOUR, "longest "),
                ],
                "Seconds",
            ),
            _graph(
                "The oldest batch that waits, by suite",
                [self._suites("SecondsWaiting", "Maximum", _FIVE_MINUTES)],
                "Seconds",
            ),
        )

    def _releases(self, lost: sqs.IQueue) -> list[cloudwatch.IWidget]:
        queue = lost.metric_approximate_number_of_messages_visible(
            label="in the queue of lost events", statistic="Maximum"
        )
        behind = self._suites("SecondsBehind", "Maximum", _FIVE_MINUTES)
        return _row(
            *([_graph("Replica behind, by suite", [behind], "Seconds")] if self._follows else []),
            _graph(
                "Age of InRelease, by suite",
                [self._suites("InReleaseAge", "Maximum", Duration.hours(6))],
                "Seconds",
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
        pruned = [
            self._suites("VersionsPruned", "Sum", _DAY, "pruned: "),
            self._suites("VersionsLeftOver", "Sum", _DAY, "left over: "),
            self._suites("PrunesRefused", "Sum", _DAY, "refused: "),
        ]
        reaped = [
            self._whole("ObjectsReaped", "of the pool and by-hash"),
            self._whole("FilesUnstaged", "of staging"),
        ]
        size = [
            self._whole("BytesReaped", "of the pool and by-hash"),
            self._whole("BytesUnstaged", "of staging"),
        ]
        return _row(
            _graph("Versions pruned a day, by suite", pruned, "Versions"),
            _graph("Objects reaped a day", reaped, "Objects"),
            _graph("Bytes reaped a day", size, "Bytes"),
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

    def _suites(
        self, name: str, statistic: str, period: Duration, label: str = ""
    ) -> cloudwatch.IMetric:
        """A metric of each suite, also of those that are configured later."""
        found = (
            f"{{{metrics.NAMESPACE},Bucket,Suite}} "
            f'Bucket="{self._bucket.bucket_name}" MetricName="{name}"'
        )
        return cloudwatch.MathExpression(
            expression=f"SEARCH('{found}', '{statistic}')",
            label=f"{label}${{PROP('Dim.Suite')}}",
            period=period,
            using_metrics={},
        )

    def _whole(self, name: str, label: str) -> cloudwatch.IMetric:
        return cloudwatch.Metric(
            namespace=metrics.NAMESPACE,
            metric_name=name,
            dimensions_map=metrics.dimensions(self._bucket.bucket_name),
            statistic="Sum",
            label=label,
            period=_DAY,
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
    suites = ", ".join(suite.suite for suite in settings.repository.suites)
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


# A graph that lacks its width, which is its row's to give.
_Graph = Callable[..., cloudwatch.GraphWidget]


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
