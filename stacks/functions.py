"""The functions, one for each step, each with a role that allows its step and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.layers import CACHES
from stacks.permissions import Grants, grants
from stacks.settings import Settings

LAMBDAS = Path(__file__).parent.parent / "lambdas"


@dataclass(frozen=True, slots=True)
class Size:
    """A function's memory in MB and time-out in seconds. Lambda gives a full vCPU at 1,769 MB."""

    memory: int
    seconds: int


SIZES = {
    "open": Size(512, 300),
    "admit": Size(1769, 900),
    "queue": Size(512, 300),
    "merge": Size(3008, 900),
    "sign": Size(512, 120),
    "commit": Size(1769, 300),
    "finish": Size(512, 300),
    "setup": Size(512, 900),
    "prune": Size(1769, 900),
    "reap": Size(1769, 900),
}
STEPS = ("open", "admit", "queue", "merge", "sign", "commit", "finish")


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
        allowed = grants(settings.repository.layout)
        self._functions = {name: self._function(name, allowed[name]) for name in SIZES}

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
        role = iam.Role(
            self,
            f"{name.capitalize()}Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"debpress: what the step {name} may do",
        )
        log.grant_write(role)
        for statement in self._statements(allowed):
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
            role=role,
            log_group=log,
            logging_format=lambda_.LoggingFormat.JSON,
            application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
            # With INFO, Lambda logs how each call ended, its duration and its memory.
            system_log_level_v2=lambda_.SystemLogLevel.INFO,
            tracing=lambda_.Tracing.ACTIVE,
            environment={"DEBPRESS_BUCKET": self._bucket.bucket_name},
        )

    def _statements(self, allowed: Grants) -> list[iam.PolicyStatement]:
        wanted = (
            ("s3:GetObject", allowed.get),
            ("s3:GetObjectVersion", allowed.get_version),
            ("s3:PutObject", allowed.put),
            ("s3:DeleteObject", allowed.delete),
            ("s3:DeleteObjectVersion", allowed.delete_version),
        )
        statements = [
            iam.PolicyStatement(
                actions=[action], resources=[self._bucket.arn_for_objects(k) for k in keys]
            )
            for action, keys in wanted
            if keys
        ]
        if allowed.list:
            statements.append(
                iam.PolicyStatement(actions=["s3:ListBucket"], resources=[self._bucket.bucket_arn])
            )
        return statements
