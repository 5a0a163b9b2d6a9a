"""Asks AWS what there is of a deployed press, and how it is.

Nothing here changes anything. Each method needs the IAM action that its question names; all of them
are listed in docs/operators.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache, cached_property
from threading import Lock
from typing import Any

from debpress.adapters import aws
from debpress.adapters.asking import asked, unless
from debpress.adapters.bucket_settings import statements
from debpress.doctor.backlog import Alarm, Ended
from debpress.doctor.capacity import Capacity
from debpress.doctor.findings import Unseen
from debpress.doctor.functions import Function, Shape
from debpress.doctor.releases import REAPS
from debpress.doctor.schedules import Trigger
from debpress.doctor.template import Resource, Stack

_GONE = ("ResourceNotFoundException",)
_ENDED_BADLY = ("FAILED", "TIMED_OUT", "ABORTED")
# How many names DescribeAlarms takes in one call.
_ALARMS = 100


class Deployed:
    """A press in one region. `clients` makes the client of a service, in that region or another."""

    def __init__(self, clients: Callable[..., Any]) -> None:
        self._clients = cache(clients)
        self._lock = Lock()

    def client(self, service: str, region: str | None = None) -> Any:
        """The client of a service, made once. Threads share it, but can't make two at a time
        (boto3 guide, "Multithreading or multiprocessing with clients")."""
        with self._lock:
            return self._clients(service, region)

    def elsewhere(self, region: str) -> Deployed:
        """The same account in another Region."""
        return Deployed(lambda service, named: self.client(service, named or region))

    @property
    def region(self) -> str:
        return str(self.client("cloudformation").meta.region_name)

    @cached_property
    def _caller(self) -> list[str]:
        with aws.translated("use the credentials", "them"):
            return str(self.client("sts").get_caller_identity()["Arn"]).split(":")

    @property
    def account(self) -> str:
        """The account of the credentials. Raises StoreError or TransientError, which says what is
        wrong with them; everybody may ask this."""
        return self._caller[4]

    @property
    def partition(self) -> str:
        """`aws`, `aws-cn` or `aws-us-gov`. Raises what `account` raises."""
        return self._caller[1]

    # Stacks

    def stack(self, name: str) -> Stack | Unseen | None:
        """The stack with its template, or None where there is none."""
        formation = self.client("cloudformation")

        def read() -> Stack:
            [found] = formation.describe_stacks(StackName=name)["Stacks"]
            return Stack(
                name=name,
                arn=found["StackId"],
                status=found["StackStatus"],
                since=found["CreationTime"],
                protected=found.get("EnableTerminationProtection", False),
                outputs={o["OutputKey"]: o["OutputValue"] for o in found.get("Outputs", ())},
                parameters={
                    p["ParameterKey"]: p.get("ResolvedValue", p["ParameterValue"])
                    for p in found.get("Parameters", ())
                },
            )

        # So CloudFormation calls what is not there.
        return asked(
            "cloudformation:DescribeStacks",
            f"the stack {name}",
            unless(("ValidationError",), None, read),
        )

    def resources(self, name: str) -> tuple[Resource, ...] | Unseen:
        """The resources of a stack, each with its properties in the template."""
        formation = self.client("cloudformation")
        template = asked(
            "cloudformation:GetTemplate",
            f"the template of {name}",
            lambda: formation.get_template(StackName=name, TemplateStage="Processed"),
        )
        if isinstance(template, Unseen):
            return template
        wanted = template["TemplateBody"]
        if not isinstance(wanted, Mapping):
            return Unseen(f"the template of {name} is not JSON")
        made = asked(
            "cloudformation:ListStackResources",
            f"the resources of {name}",
            lambda: list(_pages(formation, "list_stack_resources", StackName=name)),
        )
        if isinstance(made, Unseen):
            return made
        found = {
            each["LogicalResourceId"]: each.get("PhysicalResourceId")
            for page in made
            for each in page["StackResourceSummaries"]
        }
        return tuple(
            Resource(
                name=key,
                kind=each["Type"],
                id=found.get(key),
                properties=each.get("Properties", {}),
            )
            for key, each in wanted["Resources"].items()
        )

    def stack_of(self, bucket: str) -> str | Unseen | None:
        """The name of the stack that has this bucket; None if no stack has it."""
        formation = self.client("cloudformation")

        def read() -> str:
            found = formation.describe_stack_resources(PhysicalResourceId=bucket)["StackResources"]
            return str(found[0]["StackName"])

        return asked(
            "cloudformation:DescribeStackResources",
            f"whose bucket {bucket} is",
            unless(("ValidationError",), None, read),
        )

    def exports(self) -> dict[str, str] | Unseen:
        """What the stacks of this region export."""
        formation = self.client("cloudformation")
        return asked(
            "cloudformation:ListExports",
            "the exports of stacks",
            lambda: {
                each["Name"]: each["Value"]
                for page in _pages(formation, "list_exports")
                for each in page["Exports"]
            },
        )

    # Keys

    def key_state(self, arn: str) -> str | Unseen:
        answer = asked(
            "kms:DescribeKey", f"the key {arn}", lambda: self._kms(arn).describe_key(KeyId=arn)
        )
        return answer if isinstance(answer, Unseen) else str(answer["KeyMetadata"]["KeyState"])

    def key_policy(self, arn: str) -> list[dict[str, Any]] | Unseen:
        """The statements of a key's policy."""
        answer = asked(
            "kms:GetKeyPolicy",
            f"the policy of the key {arn}",
            lambda: self._kms(arn).get_key_policy(KeyId=arn, PolicyName="default"),
        )
        return answer if isinstance(answer, Unseen) else statements(answer["Policy"])

    def _kms(self, arn: str) -> Any:
        return self.client("kms", arn.split(":")[3])

    # What starts by itself

    def schedule(self, name: str, what: str, wanted: str) -> Trigger:
        call: Callable[[], Any] = unless(
            _GONE, {}, lambda: self.client("scheduler").get_schedule(Name=name)
        )
        answer = asked("scheduler:GetSchedule", f"the schedule {name}", call)
        if isinstance(answer, Unseen):
            return Trigger(name, what, wanted, answer)
        return Trigger(name, what, wanted, answer.get("State"), answer.get("ScheduleExpression"))

    def rule(self, name: str, what: str) -> Trigger:
        call: Callable[[], Any] = unless(
            _GONE, {}, lambda: self.client("events").describe_rule(Name=name)
        )
        answer = asked("events:DescribeRule", f"the rule {name}", call)
        state = answer if isinstance(answer, Unseen) else answer.get("State")
        return Trigger(name, what, None, state)

    # What did not come through

    def messages(self, queue: str) -> int | Unseen:
        """About how many messages wait in the queue of this URL."""
        name = "ApproximateNumberOfMessages"
        answer = asked(
            "sqs:GetQueueAttributes",
            f"the queue {queue}",
            lambda: self.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=[name]),
        )
        return answer if isinstance(answer, Unseen) else int(answer["Attributes"][name])

    def ended_badly(self, machine: str) -> list[Ended] | Unseen:
        """The newest executions that failed, ran out of time, or were stopped."""
        states = self.client("stepfunctions")
        return asked(
            "states:ListExecutions",
            "the failed executions",
            lambda: [
                Ended(each["executionArn"], each["status"], each["stopDate"])
                for status in _ENDED_BADLY
                for each in states.list_executions(
                    stateMachineArn=machine, statusFilter=status, maxResults=100
                )["executions"]
            ],
        )

    def alarms(self, names: Sequence[str]) -> list[Alarm] | Unseen:
        watch = self.client("cloudwatch")
        return asked(
            "cloudwatch:DescribeAlarms",
            "the alarms",
            lambda: [
                Alarm(
                    name=each["AlarmName"],
                    state=each["StateValue"],
                    meaning=each.get("AlarmDescription", each["AlarmName"]),
                    told=len(each.get("AlarmActions", ())),
                )
                for start in range(0, len(names), _ALARMS)
                for each in watch.describe_alarms(
                    AlarmNames=list(names[start : start + _ALARMS]), MaxRecords=_ALARMS
                )["MetricAlarms"]
            ],
        )

    # Functions

    def function(self, name: str, wanted: Shape) -> Function:
        call = unless(
            _GONE,
            None,
            lambda: self.client("lambda").get_function_configuration(FunctionName=name),
        )
        answer = asked("lambda:GetFunctionConfiguration", f"the function {name}", call)
        if answer is None or isinstance(answer, Unseen):
            return Function(name, wanted, answer)
        layers = tuple(each["Arn"] for each in answer.get("Layers", ()))
        there = Shape(answer["MemorySize"], answer["Timeout"], layers)
        return Function(name, wanted, there, answer.get("State", "Active"))

    def calls(self, function: str, now: datetime) -> int | Unseen:
        """How often a function was called in the last hours."""
        answer = asked(
            "cloudwatch:GetMetricStatistics",
            f"the calls of {function}",
            lambda: self.client("cloudwatch").get_metric_statistics(
                Namespace="AWS/Lambda",
                MetricName="Invocations",
                Dimensions=[{"Name": "FunctionName", "Value": function}],
                StartTime=now - REAPS,
                EndTime=now,
                Period=int(REAPS.total_seconds()),
                Statistics=["Sum"],
            ),
        )
        if isinstance(answer, Unseen):
            return answer
        return int(sum(each["Sum"] for each in answer["Datapoints"]))

    def capacity(self, memory: int) -> Capacity | Unseen:
        answer = asked(
            "lambda:GetAccountSettings",
            "the account's limits",
            lambda: self.client("lambda").get_account_settings()["AccountLimit"],
        )
        if isinstance(answer, Unseen):
            return answer
        return Capacity(
            answer["ConcurrentExecutions"], answer["UnreservedConcurrentExecutions"], memory
        )


def _pages(client: Any, operation: str, **arguments: Any) -> Iterator[Any]:
    yield from client.get_paginator(operation).paginate(**arguments)
