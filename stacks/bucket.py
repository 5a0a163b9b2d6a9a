"""The bucket: the database, and what hosts read."""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct
from debpress.layout import RESULTS, SNAPSHOTS, STAGING, Layout

from stacks.encryption import Encryption
from stacks.settings import Settings

_A_DAY = Duration.days(1)
_A_WEEK = Duration.days(7)


class Bucket(Construct):
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        settings: Settings,
        encryption: Encryption,
    ) -> None:
        super().__init__(scope, id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            versioned=True,  # A reaper deletes exactly the version it condemned, no newer one.
            encryption=encryption.kind,
            encryption_key=encryption.key,
            # Else every object would be a request to KMS; S3 takes false alone with its own keys.
            bucket_key_enabled=True if encryption.key else None,
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
        objects = [self.bucket.arn_for_objects(settings.repository.layout.patterns.published)]
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

    def guard(
        self,
        settings: Settings,
        committer: iam.IRole,
        admitter: iam.IRole,
        reaper: iam.IRole,
        rotator: iam.IRole,
    ) -> None:
        """What no role may do but one, whatever its own policy says; and a flip is conditional
        (S3 user guide, "Enforce conditional writes"). Who may change this policy may undo it."""
        keys = settings.repository.layout.patterns
        inrelease = self.bucket.arn_for_objects(keys.inrelease)
        pool = self.bucket.arn_for_objects(keys.pool)
        by_hash = self.bucket.arn_for_objects(keys.every_hash)
        deletions = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
        self._deny("OnlyTheCommitterFlips", ["s3:PutObject"], [inrelease], _others(committer))
        # A snapshot's, that is: its own policy lets the reaper touch no other.
        self._deny("OnlyTheReaperEndsSnapshots", deletions, [inrelease], _others(reaper))
        self._deny(
            "AFlipIsConditional",
            ["s3:PutObject"],
            [inrelease],
            {"Null": {"s3:if-match": "true", "s3:if-none-match": "true"}},
        )
        self._deny("OnlyAdmissionFillsThePool", ["s3:PutObject"], [pool], _others(admitter))
        rotation = self.bucket.arn_for_objects(keys.rotation)
        self._deny("OnlyStepsRotate", ["s3:PutObject"], [rotation], _others(rotator))
        self._deny("OnlyTheReaperDeletes", deletions, [pool, by_hash], _others(reaper))

    def _deny(
        self, sid: str, actions: list[str], resources: list[str], conditions: dict[str, Any]
    ) -> None:
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid=sid,
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=actions,
                resources=resources,
                conditions=conditions,
            )
        )


def _others(role: iam.IRole) -> dict[str, Any]:
    """Everybody else: of a function's session this key is its role's ARN (IAM user guide,
    "aws:PrincipalArn"), and a request without any such key matches, too."""
    return {"ArnNotEquals": {"aws:PrincipalArn": role.role_arn}}


def _lifecycle(settings: Settings) -> list[s3.LifecycleRule]:
    """No age for the pool or by-hash, which says nothing of whether an object is still named; and
    replaced or deleted certificates of signers stay for ever."""
    rules = [
        s3.LifecycleRule(id="AbortedUploads", abort_incomplete_multipart_upload_after=_A_DAY),
        s3.LifecycleRule(
            id="ReplacedOrDeleted",
            prefix=f"{settings.repository.root}/",
            noncurrent_version_expiration=_A_WEEK,  # To mend what a person did by mistake.
            expired_object_delete_marker=True,
        ),
        s3.LifecycleRule(
            id="AbandonedStaging",
            prefix=STAGING,
            expiration=Duration.days(settings.repository.staging_days),
            noncurrent_version_expiration=_A_DAY,
        ),
        s3.LifecycleRule(
            id="OldResults",
            prefix=RESULTS,
            expiration=Duration.days(365),
            noncurrent_version_expiration=_A_WEEK,
        ),
        s3.LifecycleRule(
            id="OldReports",
            prefix=Layout.reap_report(),
            expiration=Duration.days(365),
            noncurrent_version_expiration=_A_WEEK,
        ),
    ]
    for name in (*(suite.suite for suite in settings.repository.suites), SNAPSHOTS):
        rules.append(
            s3.LifecycleRule(
                id=f"Replaced-{name}",
                prefix=Layout.state(name),
                noncurrent_version_expiration=_A_WEEK,
                expired_object_delete_marker=True,
            )
        )
    for suite in settings.repository.suites:
        name = suite.suite
        for notes, prefix, days in (
            ("runs", Layout.run(name), 30),
            ("signed", Layout.signed(name), 30),
            ("reports", Layout.prune_report(name), 365),
        ):
            rules.append(
                s3.LifecycleRule(
                    id=f"Notes-{name}-{notes}",
                    prefix=prefix,
                    expiration=Duration.days(days),
                )
            )
    return rules
