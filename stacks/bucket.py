"""The bucket: the database, and what hosts read."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct
from debpress import guards
from debpress.layout import RESULTS, SNAPSHOTS, STAGING, Layout

from . import delivery
from .delivery_settings import Delivery
from .encryption import Encryption
from .kept import KEPT, keep
from .replica_settings import Replica
from .settings import Readers, Settings

_A_DAY = Duration.days(1)
_A_WEEK = Duration.days(7)
_REQUESTS = "requests/"


class Bucket(Construct):
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        settings: Settings,
        encryption: Encryption,
    ) -> None:
        super().__init__(scope, id)
        adopted = settings.adopt.bucket
        self.logs = _logs(self, settings) if settings.access_logs else None
        self.bucket = _private(
            self, settings, encryption, name=adopted, adopted=bool(adopted), logs=self.logs
        )
        # By the property: the construct's own way is a custom resource with a function of its own.
        resource = self.bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)
        resource.add_property_override(
            "NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", True
        )
        layout = settings.repository.layout
        guarded = guards.bucket(self.bucket.bucket_arn, layout, settings.names.role_arn)
        if settings.delivery:
            _let_cloudfront(self.bucket, layout, settings.delivery)
        _let(self.bucket, layout, settings.readers, guarded, adopted)


class ReplicaBucket(Construct):
    """The bucket that follows, whose name both Regions' stacks know beforehand."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        settings: Settings,
        replica: Replica,
    ) -> None:
        super().__init__(scope, id)
        encryption = Encryption(self, "Encryption", settings)
        self.bucket = _private(
            self, settings, encryption, name=settings.replica_bucket, adopted=bool(replica.bucket)
        )
        layout = settings.repository.layout
        mirror = settings.names.role_arn("mirror", replica.region)
        readers = Readers(replica.vpc_endpoints, settings.readers.role_arns)
        guarded = guards.replica(self.bucket.bucket_arn, layout, mirror)
        if settings.delivery:
            # For the day on which the first Region is gone: its origin is changed, and its id not.
            _let_cloudfront(self.bucket, layout, settings.delivery)
        _let(self.bucket, layout, readers, guarded, replica.bucket)


def _private(
    scope: Construct,
    settings: Settings,
    encryption: Encryption,
    *,
    name: str | None,
    adopted: bool,
    logs: s3.Bucket | None = None,
) -> s3.Bucket:
    return s3.Bucket(
        scope,
        "Bucket",
        versioned=True,  # A reaper deletes exactly the version it condemned, no newer one.
        encryption=encryption.kind,
        encryption_key=encryption.key,
        # Else every object would be a request to KMS; S3 takes false alone with its own keys.
        bucket_key_enabled=True if encryption.key else None,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=settings.tls_only,
        bucket_name=name,
        removal_policy=RemovalPolicy.RETAIN if adopted else KEPT,
        lifecycle_rules=_lifecycle(settings),
        server_access_logs_bucket=logs,
        server_access_logs_prefix=_REQUESTS if logs else None,
    )


def _logs(scope: Construct, settings: Settings) -> s3.Bucket:
    """A bucket for the log of requests, which S3's service for logs alone may write, of requests to
    the one bucket (S3 user guide, "Enabling Amazon S3 server access logging"). By S3's own key: it
    writes to no bucket that a key of KMS encrypts. What is old goes by itself."""
    assert settings.access_logs is not None
    return s3.Bucket(
        scope,
        "Logs",
        bucket_name=settings.names.logs_bucket,
        encryption=s3.BucketEncryption.S3_MANAGED,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=settings.tls_only,
        removal_policy=RemovalPolicy.RETAIN if settings.adopt.bucket else KEPT,
        lifecycle_rules=[
            s3.LifecycleRule(
                id="Old",
                expiration=Duration.days(settings.access_logs),
                abort_incomplete_multipart_upload_after=_A_DAY,
            )
        ],
    )


def _let(
    bucket: s3.Bucket,
    layout: Layout,
    readers: Readers,
    guarded: list[guards.Statement],
    adopted: str | None,
) -> None:
    """Its policy: who may read, and what is denied."""
    objects = [bucket.arn_for_objects(layout.patterns.published)]
    if readers.vpc_endpoints:
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="HostsByVpcEndpoint",
                principals=[iam.AnyPrincipal()],
                actions=["s3:GetObject"],
                resources=objects,
                conditions={"StringEquals": {"aws:SourceVpce": list(readers.vpc_endpoints)}},
            )
        )
    if readers.role_arns:
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="HostsByRole",
                principals=[iam.ArnPrincipal(arn) for arn in readers.role_arns],
                actions=["s3:GetObject"],
                resources=objects,
            )
        )
    for each in guarded:
        bucket.add_to_resource_policy(iam.PolicyStatement.from_json(each))
    # Without its policy the bucket would be open to none of its readers, and without guards.
    policy = bucket.policy
    assert policy is not None
    keep(policy)
    if adopted:
        _take_over(policy, adopted)


def _let_cloudfront(bucket: s3.Bucket, layout: Layout, delivers: Delivery) -> None:
    readers = delivery.readers(delivers)
    bucket.add_to_resource_policy(
        iam.PolicyStatement(
            sid="HostsByCloudFront",
            principals=readers,
            actions=["s3:GetObject"],
            resources=[bucket.arn_for_objects(layout.patterns.published)],
        )
    )
    # Else S3 says 403 of what is not there, as of what is forbidden. The distribution can't ask for
    # the list itself: all it asks for is below the root.
    bucket.add_to_resource_policy(
        iam.PolicyStatement(
            sid="CloudFrontSees404",
            principals=readers,
            actions=["s3:ListBucket"],
            resources=[bucket.bucket_arn],
        )
    )


def _take_over(policy: s3.BucketPolicy, bucket: str) -> None:
    """CloudFormation takes over what is there already by names that are written out, of what is
    kept even where the creation of the stack is rolled back (user guide, "Import AWS resources into
    a CloudFormation stack automatically")."""
    resource = policy.node.default_child
    assert isinstance(resource, s3.CfnBucketPolicy)
    resource.bucket = bucket
    resource.node.add_dependency(policy.bucket)
    resource.apply_removal_policy(RemovalPolicy.RETAIN)


def _lifecycle(settings: Settings) -> list[s3.LifecycleRule]:
    """No age for the pool or by-hash, which says nothing of whether an object is still named; and
    replaced or deleted certificates of signers stay for ever.

    A rule's prefix has no wildcards (S3 user guide, "Lifecycle configuration elements"), so none
    finds the notes of runs of suites that come by being published to. The reaper takes these with
    all else of a suite that has ended, and what it leaves are replaced versions.
    """
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
            id="AbandonedIncoming",  # Should the reaper not come, which takes it within hours.
            prefix=Layout.incoming(),
            expiration=_A_DAY,
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
    repository = settings.repository
    states = {
        name: Layout.state(name) for name in (*(s.suite for s in repository.suites), SNAPSHOTS)
    }
    for pattern in repository.patterns:
        assert pattern.life is not None
        states[pattern.suite] = Layout.state(pattern.life.prefix).removesuffix("/")
        states["_suites"] = Layout.living()
    for name, prefix in states.items():
        rules.append(
            s3.LifecycleRule(
                id=f"Replaced-{name}",
                prefix=prefix,
                noncurrent_version_expiration=_A_WEEK,
                expired_object_delete_marker=True,
            )
        )
    for suite in repository.suites:
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
