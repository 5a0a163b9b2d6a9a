"""The bucket: the database, and what hosts read."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct
from debpress.layout import RESULTS, STAGING, STATE

from stacks.settings import Settings

_A_DAY = Duration.days(1)


class Bucket(Construct):
    def __init__(self, scope: Construct, id: str, settings: Settings) -> None:  # noqa: A002
        super().__init__(scope, id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            versioned=True,  # A reaper deletes exactly the version it condemned, no newer one.
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=settings.tls_only,
            removal_policy=RemovalPolicy.RETAIN,
            lifecycle_rules=_lifecycle(settings),
        )
        # By the property: the construct's own way is a custom resource with a function of its own.
        resource = self.bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)
        resource.add_property_override(
            "NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", True
        )
        self._let_read(settings)

    def _let_read(self, settings: Settings) -> None:
        objects = [self.bucket.arn_for_objects(f"{settings.repository.root}/*")]
        if settings.readers.vpc_endpoints:
            self.bucket.add_to_resource_policy(
                iam.PolicyStatement(
                    sid="HostsByVpcEndpoint",
                    principals=[iam.AnyPrincipal()],
                    actions=["s3:GetObject"],
                    resources=objects,
                    conditions={
                        "StringEquals": {"aws:SourceVpce": list(settings.readers.vpc_endpoints)}
                    },
                )
            )
        if settings.readers.role_arns:
            self.bucket.add_to_resource_policy(
                iam.PolicyStatement(
                    sid="HostsByRole",
                    principals=[iam.ArnPrincipal(arn) for arn in settings.readers.role_arns],
                    actions=["s3:GetObject"],
                    resources=objects,
                )
            )

    def guard_commit(self, settings: Settings, committer: iam.IRole) -> None:
        """Nobody but the committer puts an InRelease, whatever its own role says; and the
        committer only on condition (S3 user guide, "Enforce conditional writes")."""
        inrelease = [self.bucket.arn_for_objects(f"{settings.repository.root}/dists/*/InRelease")]
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="OnlyTheCommitterFlips",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:PutObject", "s3:DeleteObject"],
                resources=inrelease,
                conditions={"ArnNotEquals": {"aws:PrincipalArn": committer.role_arn}},
            )
        )
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AFlipIsConditional",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:PutObject"],
                resources=inrelease,
                conditions={"Null": {"s3:if-match": "true", "s3:if-none-match": "true"}},
            )
        )


def _lifecycle(settings: Settings) -> list[s3.LifecycleRule]:
    """None for the pool or by-hash: an age says nothing of whether an object is still named."""
    rules = [
        s3.LifecycleRule(id="AbortedUploads", abort_incomplete_multipart_upload_after=_A_DAY),
        s3.LifecycleRule(
            id="Replaced", noncurrent_version_expiration=_A_DAY, expired_object_delete_marker=True
        ),
        s3.LifecycleRule(
            id="AbandonedStaging",
            prefix=STAGING,
            expiration=Duration.days(settings.repository.staging_days),
        ),
        s3.LifecycleRule(id="OldResults", prefix=RESULTS, expiration=Duration.days(365)),
    ]
    for suite in settings.repository.suites:
        for notes in ("runs", "signed"):
            rules.append(
                s3.LifecycleRule(
                    id=f"Notes-{suite.suite}-{notes}",
                    prefix=f"{STATE}{suite.suite}/{notes}/",
                    expiration=Duration.days(30),
                )
            )
    return rules
