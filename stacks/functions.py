"""The functions, one for each step, each with a role that allows its step and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import Size as Storage
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from .assets import LAMBDAS
from .layers import CACHES
from .permissions import Grants, grants
from .settings import Settings


@dataclass(frozen=True, slots=True)
class Size:
    """A function's memory in MB, time-out in seconds, and MB of disk. Lambda gives a full vCPU at
    1,769 MB. `silence`: for how many seconds S3 may say nothing, where that is not the usual."""

    memory: int
    seconds: int
    disk: int = 512
    silence: int | None = None


# What a publish waits for has a whole vCPU. Almost each of its calls is a cold start, which costs
# as much with less memory, as it takes longer by as much (docs/performance.md, "Cold starts").
SIZES = {
    "open": Size(1769, 300),
    # S3 copies five gigabytes in one call, and answers when it has: 25 MB a second are waited for.
    # Four such calls, all that are tried, end before the function does.
    "admit": Size(1769, 900, silence=200),
    "queue": Size(512, 60),  # Nobody waits for it.
    # Each index that it reads and writes is on its disk: four times 85 MB for half a million
    # packages of one architecture.
    "merge": Size(3008, 900, disk=4096),
    "sign": Size(1769, 120),
    "commit": Size(1769, 300),
    "finish": Size(1769, 300),
    "setup": Size(512, 900),
    "prune": Size(1769, 900),
    "reap": Size(1769, 900),
    "announce": Size(512, 60),
    "watch": Size(512, 120),
    # It reads indices, and waits while S3 copies from Region to Region.
    "mirror": Size(1769, 900, silence=200),
    # To make all pages anew it reads every index, and writes two objects for each package.
    "page": Size(1769, 900, disk=2048),
}
STEPS = ("open", "admit", "queue", "merge", "sign", "commit", "finish")


def sizes(settings: Settings) -> dict[str, Size]:
    """Of the functions that are deployed: there is nothing to mirror without a replica, and no page
    is made that nobody wants."""
    wanted = {"mirror": settings.replica, "page": settings.repository.page}
    return {n: size for n, size in SIZES.items() if n not in wanted or wanted[n]}


class Functions(Construct):
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        settings: Settings,
        bucket: s3.IBucket,
        layers: list[lambda_.ILayerVersion],
    ) -> None:
        super().__init__(scope, id)
        self._settings = settings
        self._bucket = bucket
        self._layers = layers
        allowed = grants(settings.repository)
        self.sizes = sizes(settings)
        self.logs: dict[str, logs.LogGroup] = {}
        self._functions = {name: self._function(name, allowed[name]) for name in self.sizes}

    def __getitem__(self, name: str) -> lambda_.Function:
        return self._functions[name]

    def role(self, name: str) -> iam.IRole:
        role = self[name].role
        assert role is not None
        return role

    def _function(self, name: str, allowed: Grants) -> lambda_.Function:
        log = logs.LogGroup(
            self,
            f"{name.capitalize()}Log",
            retention=self._settings.log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.logs[name] = log
        role = iam.Role(
            self,
            f"{name.capitalize()}Role",
            # The policies of the bucket and the key, in the other stack, name it.
            role_name=self._role_name(name),
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"debpress: what the step {name} may do",
        )
        log.grant_write(role)
        for statement in statements(self._bucket, allowed):
            role.add_to_policy(statement)
        size = SIZES[name]
        return lambda_.Function(
            self,
            name.capitalize(),
            description=f"debpress: {name}",
            code=lambda_.Code.from_asset(str(LAMBDAS / name), exclude=CACHES),
            handler="handler.handle",
            runtime=self._settings.runtime,
            architecture=self._settings.lambda_architecture,
            layers=self._layers,
            memory_size=size.memory,
            timeout=Duration.seconds(size.seconds),
            ephemeral_storage_size=Storage.mebibytes(size.disk),
            role=role,
            log_group=log,
            logging_format=lambda_.LoggingFormat.JSON,
            application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
            # With INFO, Lambda logs how each call ended, its duration and its memory.
            system_log_level_v2=lambda_.SystemLogLevel.INFO,
            # A look is a few requests, and two of three calls of all functions.
            tracing=None if name == "watch" else lambda_.Tracing.ACTIVE,
            environment={
                "DEBPRESS_BUCKET": self._bucket.bucket_name,
                **({"DEBPRESS_SILENCE": str(size.silence)} if size.silence else {}),
            },
        )

    def _role_name(self, step: str) -> str:
        """The mirror's has the second Region in it, which both Regions' stacks know."""
        replica = self._settings.replica
        names = self._settings.names
        return (
            names.role(step, replica.region) if replica and step == "mirror" else names.role(step)
        )


def statements(bucket: s3.IBucket, allowed: Grants) -> list[iam.PolicyStatement]:
    """What allows a role these in a bucket."""
    wanted = (
        ("s3:GetObject", allowed.get),
        ("s3:GetObjectVersion", allowed.get_version),
        ("s3:PutObject", allowed.put),
        ("s3:DeleteObject", allowed.delete),
        ("s3:DeleteObjectVersion", allowed.delete_version),
    )
    found = [
        iam.PolicyStatement(actions=[action], resources=[bucket.arn_for_objects(k) for k in keys])
        for action, keys in wanted
        if keys
    ]
    if allowed.list:
        found.append(iam.PolicyStatement(actions=["s3:ListBucket"], resources=[bucket.bucket_arn]))
    return found
