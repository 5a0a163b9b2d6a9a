"""The deployment's last step: a custom resource that has every suite signed and the key published.

If that fails, the deployment fails.
"""

from __future__ import annotations

import hashlib
import json

from aws_cdk import Aws, CustomResource, Duration, FileSystem
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_sqs as sqs
from constructs import Construct
from debpress import config

from .assets import LAMBDAS
from .functions import SIZES, Functions
from .layers import CACHES
from .settings import Settings
from .workflow import PublishWorkflow

# Seconds that Lambda may need to start the function in a busy account; then it drops the request.
# So the function never acts for a deployment that CloudFormation has given up: that happens when
# they and the function's time-out are over. Without a limit CloudFormation would wait an hour.
_PATIENCE = 300


class SetUp(Construct):
    """`fingerprint` is the signing certificate's, known when set-up is done."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        settings: Settings,
        functions: Functions,
        layers: list[lambda_.ILayerVersion],
        workflow: PublishWorkflow,
        lost: sqs.IQueue,
        uri: str,
    ) -> None:
        super().__init__(scope, id)
        function = functions["setup"]
        _let_start(function, workflow)
        function.add_environment("DEBPRESS_URI", uri)
        if settings.repository.patterns:
            # A suite that comes by being published to gets its source then.
            functions["finish"].add_environment("DEBPRESS_URI", uri)
        # The first try answers CloudFormation, also when it fails. A retry by Lambda minutes later
        # would set up a deployment that is rolled back by then.
        function.configure_async_invoke(
            retry_attempts=0,
            max_event_age=Duration.seconds(_PATIENCE),
            on_failure=destinations.SqsDestination(lost),
        )
        self.resource = CustomResource(
            self,
            "Repository",
            resource_type="Custom::DebpressRepository",
            service_token=function.function_arn,
            service_timeout=Duration.seconds(SIZES["setup"].seconds + _PATIENCE),
            # Set-up runs again whenever one of these changes, so that a deployment which can't
            # publish any more fails.
            properties={
                "Configuration": _digest(config.as_json(settings.repository)),
                "Layers": [version.layer_version_arn for version in layers],
                "Functions": FileSystem.fingerprint(str(LAMBDAS), exclude=CACHES),
                "Workflow": _digest(workflow.definition),
                "Uri": uri,
            },
        )
        self.fingerprint = self.resource.get_att_string("Fingerprint")


def _let_start(function: lambda_.Function, workflow: PublishWorkflow) -> None:
    machine = workflow.machine
    function.add_environment("DEBPRESS_STATE_MACHINE", machine.state_machine_arn)
    function.add_to_role_policy(
        iam.PolicyStatement(
            actions=["states:StartExecution"], resources=[machine.state_machine_arn]
        )
    )
    executions = f"arn:{Aws.PARTITION}:states:{Aws.REGION}:{Aws.ACCOUNT_ID}:execution:"
    function.add_to_role_policy(
        iam.PolicyStatement(
            actions=["states:DescribeExecution"],
            resources=[f"{executions}{machine.state_machine_name}:*"],
        )
    )


def _digest(data: object) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
