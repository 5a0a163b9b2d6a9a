"""The stack: all of debpress in one account and region."""

from __future__ import annotations

import hashlib
import json

from aws_cdk import Aws, CfnOutput, CustomResource, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct
from debpress import config

from stacks.bucket import Bucket
from stacks.functions import Functions
from stacks.layers import Layers
from stacks.schedule import Schedule
from stacks.settings import Settings
from stacks.signing import Signing
from stacks.trigger import Trigger
from stacks.workflow import Workflow


class Press(Stack):
    def __init__(self, scope: Construct, id: str, settings: Settings) -> None:  # noqa: A002
        super().__init__(scope, id, description="debpress: publishes Debian packages from S3")
        repository = settings.repository
        storage = Bucket(self, "Storage", settings)
        layers = Layers(self, "Layers", settings)
        functions = Functions(self, "Functions", settings, storage.bucket, layers.all)
        storage.guard_commit(settings, functions.role("commit"))
        signing = Signing(self, "Signing", settings, functions)
        workflow = Workflow(self, "Workflow", settings, functions)
        trigger = Trigger(self, "Trigger", storage.bucket, workflow.machine)
        Schedule(self, "Schedule", settings, functions, trigger.lost)

        setup = functions["setup"]
        machine = workflow.machine
        setup.add_environment("DEBPRESS_STATE_MACHINE", machine.state_machine_arn)
        setup.add_to_role_policy(
            iam.PolicyStatement(
                actions=["states:StartExecution"], resources=[machine.state_machine_arn]
            )
        )
        executions = f"arn:{Aws.PARTITION}:states:{Aws.REGION}:{Aws.ACCOUNT_ID}:execution:"
        setup.add_to_role_policy(
            iam.PolicyStatement(
                actions=["states:DescribeExecution"],
                resources=[f"{executions}{machine.state_machine_name}:*"],
            )
        )
        domain = storage.bucket.bucket_regional_domain_name
        ready = CustomResource(
            self,
            "Repository",
            resource_type="Custom::DebpressRepository",
            service_token=setup.function_arn,
            properties={
                # A change of either runs set-up again.
                "Configuration": _digest(repository),
                "Code": [version.layer_version_arn for version in layers.all],
                "Uri": f"https://{domain}/{repository.root}",
            },
        )
        # All that set-up sets in motion, the roles' policies among it, has to be there first.
        ready.node.add_dependency(storage, functions, signing, workflow)

        outputs = {
            "Bucket": storage.bucket.bucket_name,
            "Root": repository.root,
            "Suites": ",".join(suite.suite for suite in repository.suites),
            "StateMachine": machine.state_machine_arn,
            "PruneFunction": functions["prune"].function_name,
            "SigningFingerprint": ready.get_att_string("Fingerprint"),
            "Uri": f"https://{domain}/{repository.root}",
            "LostEvents": trigger.lost.queue_url,
        }
        for name, value in outputs.items():
            CfnOutput(self, f"{name}Output", value=value).override_logical_id(name)


def _digest(repository: config.Repository) -> str:
    text = json.dumps(config.as_json(repository), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
