"""The stack: all of debpress in one account and region."""

from __future__ import annotations

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from stacks import nag_suppressions
from stacks.bucket import Bucket
from stacks.encryption import Encryption
from stacks.functions import Functions
from stacks.heartbeat import Heartbeat
from stacks.layers import Layers
from stacks.permissions import grants
from stacks.roles import Roles
from stacks.schedule import Schedule
from stacks.settings import Settings
from stacks.setup import SetUp
from stacks.signing import Signing
from stacks.trigger import Trigger
from stacks.workflow import PublishWorkflow


class Press(Stack):
    def __init__(self, scope: Construct, id: str, settings: Settings) -> None:  # noqa: A002
        super().__init__(scope, id, description="debpress: publishes Debian packages from S3")
        # W3005: the CDK writes DependsOn where a reference implies it already, which is harmless.
        self.template_options.metadata = {"cfn-lint": {"config": {"ignore_checks": ["W3005"]}}}
        repository = settings.repository
        encryption = Encryption(self, "Encryption", settings)
        storage = Bucket(self, "Storage", settings, encryption)
        layers = Layers(self, "Layers", settings)
        functions = Functions(self, "Functions", settings, storage.bucket, layers.all)
        storage.guard(
            settings,
            committer=functions.role("commit"),
            admitter=functions.role("admit"),
            reaper=functions.role("reap"),
            rotator=functions.role("setup"),
        )
        for name, allowed in grants(repository.layout).items():
            reads = bool(allowed.get or allowed.get_version)
            encryption.let(
                storage.bucket, functions.role(name), read=reads, write=bool(allowed.put)
            )
        roles = Roles(self, "Roles", settings, storage.bucket, encryption)
        signing = Signing(self, "Signing", settings, functions, layers.signing)
        workflow = PublishWorkflow(self, "Workflow", settings, functions)
        trigger = Trigger(self, "Trigger", settings, storage.bucket, workflow.machine)
        Schedule(self, "Schedule", settings, functions, storage.bucket, trigger.lost)
        Heartbeat(self, "Heartbeat", settings, storage.bucket, workflow.machine, trigger.lost)
        uri = f"https://{storage.bucket.bucket_regional_domain_name}/{repository.root}"
        ready = SetUp(
            self, "SetUp", settings, functions, [*layers.all, *layers.signing], workflow, uri
        )
        # Set-up runs the workflow as it is created. So everything that the workflow uses, such as
        # the roles' policies, must be created before.
        ready.resource.node.add_dependency(storage, functions, signing, workflow)
        nag_suppressions.suppress(self, settings, roles.policies)

        outputs = {
            "Bucket": storage.bucket.bucket_name,
            "Root": repository.root,
            "Suites": ",".join(suite.suite for suite in repository.suites),
            "StateMachine": workflow.machine.state_machine_arn,
            "PruneFunction": functions["prune"].function_name,
            "SetUpFunction": functions["setup"].function_name,
            "SigningFingerprint": ready.fingerprint,
            "Uri": uri,
            "LostEvents": trigger.lost.queue_url,
        }
        for name, value in outputs.items():
            CfnOutput(self, f"{name}Output", value=value).override_logical_id(name)
