"""The state machine, its role, and the alarm when it fails."""

from __future__ import annotations

import json

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks import machine
from stacks.alarms import alarm
from stacks.functions import SIZES, STEPS, Functions
from stacks.settings import Settings


class Workflow(Construct):
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        settings: Settings,
        functions: Functions,
    ) -> None:
        super().__init__(scope, id)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("states.amazonaws.com"),
            description="debpress: the workflow may call its steps",
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["lambda:InvokeFunction"],
                resources=[functions[step].function_arn for step in STEPS],
            )
        )
        definition = machine.definition({name: size.seconds for name, size in SIZES.items()})
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_type=sfn.StateMachineType.STANDARD,
            definition_body=sfn.DefinitionBody.from_string(json.dumps(definition)),
            definition_substitutions={step: functions[step].function_arn for step in STEPS},
            role=role,
            tracing_enabled=True,
            logs=sfn.LogOptions(
                destination=logs.LogGroup(
                    self,
                    "Log",
                    retention=settings.log_retention,
                    removal_policy=RemovalPolicy.DESTROY,
                ),
                level=sfn.LogLevel.ALL,
            ),
        )
        for name, metric in (
            ("Failed", self.machine.metric_failed()),
            ("TimedOut", self.machine.metric_timed_out()),
        ):
            alarm(self, name, metric, "failed-executions", "A publish broke down; CI was told so.")
