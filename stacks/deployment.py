"""The stacks: an archive that is there to stay, a press that works upon it, and, where they are
configured, the delivery in front of it and a replica of it in another Region.

The press needs the archive and never the other way round, so that it can be destroyed and deployed
anew alone. What the archive's policies say of the press's roles, they say by names that follow from
the configuration (`names`).
"""

from __future__ import annotations

from aws_cdk import CfnOutput, CfnParameter, Environment, Fn, Stack
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ssm as ssm
from constructs import Construct
from debpress import __version__

from . import delivery, encryption, nag_suppressions
from .archive import Archive
from .bucket import ReplicaBucket
from .delivery import DeliveryStack
from .kept import Kept
from .press import Press
from .replica_settings import Replica
from .settings import Settings

_BUCKET, _BUCKET_ARN = "Bucket", "BucketArn"
_SIGNING, _ENCRYPTION = "signing", "encryption"

# A construct of this id is left out of the logical ids of what is in it, so that these don't change
# when it is taken out of our stacks and put into somebody else's.
_ALL = "Default"


class ArchiveStack(Stack):
    def __init__(self, scope: Construct, settings: Settings) -> None:
        super().__init__(
            scope,
            settings.names.archive_stack,
            description=f"{settings.name}: a repository of Debian packages in S3, and its keys",
            termination_protection=True,
        )
        archive = Archive(self, _ALL, settings)
        kept, names = archive.kept, settings.names
        for output, value in (
            (_BUCKET, kept.bucket.bucket_name),
            (_BUCKET_ARN, kept.bucket.bucket_arn),
        ):
            made = CfnOutput(self, f"{output}Output", value=value, export_name=names.export(output))
            made.override_logical_id(output)
        CfnOutput(self, "VersionOutput", value=__version__).override_logical_id("Version")
        # A configuration may cease to name a key that the press uses until it is deployed, too. An
        # export in use can't be taken away (CloudFormation, "Fn::ImportValue"); a parameter can.
        arns = {_SIGNING: None if settings.adopt.signing_key else kept.signing_key}
        if settings.encryption == encryption.OWN_KEY:
            arns[_ENCRYPTION] = kept.encryption_key
        for key, arn in arns.items():
            if arn is not None:
                ssm.CfnParameter(
                    self,
                    f"{key.capitalize()}Arn",
                    name=names.parameter(key),
                    type="String",
                    value=arn,
                    description=f"{settings.name}: the ARN of the archive's {key} key",
                )
        nag_suppressions.of_archive(self, archive)


class PressStack(Stack):
    def __init__(self, scope: Construct, settings: Settings) -> None:
        super().__init__(
            scope,
            settings.names.press_stack,
            description=f"{settings.name}: publishes Debian packages from S3",
        )
        # W3005: the CDK writes DependsOn where a reference implies it already, which is harmless.
        # W6001: the outputs tell the archive's bucket on, so that a command reads one stack alone.
        # E3601: it takes the services that a workflow calls for wrong in every partition but `aws`,
        # and for a substitution; tests ask it of the definition as it is in that partition.
        ignored = {"ignore_checks": ["W3005", "W6001", "E3601"]}
        self.template_options.metadata = {"cfn-lint": {"config": ignored}}
        names = settings.names
        press = Press(self, _ALL, settings, self._kept(settings), delivery.address(settings))
        for name, value in press.outputs.items():
            CfnOutput(self, f"{name}Output", value=value).override_logical_id(name)
        nag_suppressions.of_press(self, press, settings, names.export(_BUCKET_ARN))

    def _kept(self, settings: Settings) -> Kept:
        names = settings.names
        bucket = s3.Bucket.from_bucket_attributes(
            self,
            "Storage",
            bucket_name=Fn.import_value(names.export(_BUCKET)),
            bucket_arn=Fn.import_value(names.export(_BUCKET_ARN)),
        )
        signs = settings.adopt.signing_key
        if settings.signs_by_own_key and not signs:
            signs = self._arn(settings, _SIGNING)
        encrypts = None
        if settings.encryption == encryption.OWN_KEY:
            encrypts = self._arn(settings, _ENCRYPTION)
        elif settings.encryption != encryption.S3_MANAGED:
            encrypts = settings.encryption
        return Kept(bucket, signs, encrypts)

    def _arn(self, settings: Settings, key: str) -> str:
        """The ARN of a key that the archive made, as it is when the press is deployed."""
        parameter = CfnParameter(
            self,
            f"{key.capitalize()}KeyArn",
            type="AWS::SSM::Parameter::Value<String>",
            default=settings.names.parameter(key),
        )
        return parameter.value_as_string


class ReplicaStack(Stack):
    """A bucket in another Region, and nothing that runs: the press has it follow."""

    def __init__(self, scope: Construct, settings: Settings, replica: Replica) -> None:
        super().__init__(
            scope,
            settings.names.replica_stack,
            env=Environment(region=replica.region),
            description=f"{settings.name}: follows a repository of Debian packages elsewhere",
            termination_protection=True,
        )
        made = ReplicaBucket(self, "Storage", settings, replica)
        for output, value in (("Replica", made.bucket.bucket_name), ("Version", __version__)):
            CfnOutput(self, f"{output}Output", value=value).override_logical_id(output)
        nag_suppressions.of_replica(made)


def deployment(scope: Construct, settings: Settings) -> tuple[Stack, ...]:
    """Archive, press, and the delivery and the replica if there are such. The archive is deployed
    before the press and the delivery, and the press last: what it publishes names the address of
    the delivery, and it has the replica follow."""
    archive, press = ArchiveStack(scope, settings), PressStack(scope, settings)
    stacks: list[Stack] = [archive, press]
    if settings.delivery:
        delivers = DeliveryStack(scope, settings, settings.delivery)
        nag_suppressions.of_delivery(delivers, settings.delivery)
        delivers.add_stack_dependency(archive)
        stacks.append(delivers)
    if settings.replica:
        stacks.append(ReplicaStack(scope, settings, settings.replica))
    for each in stacks:
        if each is not press:
            press.add_stack_dependency(each)
    return tuple(stacks)
