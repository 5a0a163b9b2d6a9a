"""The state machine, its role, and the alarm when it fails."""

from __future__ import annotations

import json

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from . import machine
from .alarms import alarm
from .functions import SIZES, STEPS, Functions
from .settings import Settings

# The steps that wake executions which wait in the queue.
TELLERS = ("queue", "finish")


class PublishWorkflow(Construct):
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
            assumed_by=iam.ServicePrincipal(
                "states.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            ),
            description="debpress: the workflow may call its steps",
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["lambda:InvokeFunction"],
                resources=[functions[step].function_arn for step in STEPS],
            )
        )
        self.definition = json.dumps(
            machine.definition({name: size.seconds for name, size in SIZES.items()})
        )
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_type=sfn.StateMachineType.STANDARD,
            definition_body=sfn.DefinitionBody.from_string(self.definition),
            definition_substitutions={
                "Partition": Aws.PARTITION,
                **{step: functions[step].function_arn for step in STEPS},
            },
            role=role,
            tracing_enabled=True,
            logs=sfn.LogOptions(
                destination=logs.LogGroup(
                    self,
                    "Log",
                    # An account has one resource policy for log delivery, of limited size. Log
                    # groups with this prefix take no space in it (Step Functions guide, "Logging
                    # using CloudWatch Logs").
                    log_group_name=f"/aws/vendedlogs/states/{settings.names.press_stack}",
                    retention=settings.log_retention,
                    removal_policy=RemovalPolicy.DESTROY,
                ),
                level=sfn.LogLevel.ALL,
            ),
        )
        # A policy of its own, since the functions' own come before the machine that names them.
        iam.Policy(
            self,
            "Telling",
            roles=[functions.role(step) for step in TELLERS],
            statements=[
                iam.PolicyStatement(
                    actions=["states:SendTaskSuccess"], resources=[self.machine.state_machine_arn]
                )
            ],
        )
        alarm(
            self,
            settings,
            "Failed",
            self.machine.metric_failed(),
            "failed-executions",
            "A publish broke down.",
        )
