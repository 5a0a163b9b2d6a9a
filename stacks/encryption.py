"""Encryption at rest, by S3's own keys or by a key in KMS.

With a KMS key, S3 asks KMS in the caller's name (S3 user guide, "Using server-side encryption with
AWS KMS keys"). So whoever may read an object must be allowed to decrypt with the key, whoever may
write one to make a data key, and a multipart upload needs both. Each permission is limited to S3's
requests (`kms:ViaService`) for this bucket (by the encryption context: the bucket's ARN where a
bucket key is used, else the object's).
"""

from __future__ import annotations

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from . import delivery
from .kept import KEPT, Kept
from .settings import Settings

S3_MANAGED = "s3"
OWN_KEY = "kms"
_S3 = f"s3.{Aws.REGION}.{Aws.URL_SUFFIX}"


class Encryption(Construct):
    """`key` is None where S3's own keys encrypt; these need no permissions."""

    def __init__(self, scope: Construct, id: str, settings: Settings) -> None:  # noqa: A002
        super().__init__(scope, id)
        self.key: kms.IKey | None = None
        if settings.encryption == OWN_KEY:
            self.key = key = kms.Key(
                self,
                "Key",
                description=f"{settings.name}: encrypts the bucket",
                enable_key_rotation=True,
                removal_policy=KEPT,
                alias=settings.names.alias("bucket"),
            )
            if settings.readers.role_arns:
                # The hosts' own roles are not in this stack, so the key's policy must allow them.
                # It can't name the bucket: the bucket names the key, and CloudFormation takes no
                # circular references.
                key.add_to_resource_policy(
                    iam.PolicyStatement(
                        sid="HostsByRole",
                        principals=[iam.ArnPrincipal(arn) for arn in settings.readers.role_arns],
                        actions=["kms:Decrypt"],
                        resources=["*"],
                        conditions={"StringEquals": {"kms:ViaService": _S3}},
                    )
                )
            if settings.delivery:
                key.add_to_resource_policy(
                    iam.PolicyStatement(
                        sid="HostsByCloudFront",
                        principals=delivery.readers(settings.delivery),
                        actions=["kms:Decrypt"],
                        resources=["*"],
                    )
                )
        elif settings.encryption != S3_MANAGED:
            self.key = kms.Key.from_key_arn(self, "Key", settings.encryption)

    @property
    def kind(self) -> s3.BucketEncryption:
        return s3.BucketEncryption.KMS if self.key else s3.BucketEncryption.S3_MANAGED


def let_encrypt(kept: Kept, role: iam.IRole, *, read: bool = False, write: bool = False) -> None:
    """Allows the role to use the bucket's key, where it has one, for its reads and writes."""
    if kept.encryption_key is None:
        return
    # A multipart upload decrypts its parts' data key ("Multipart upload API and permissions").
    actions = ["kms:Decrypt"] if read or write else []
    actions += ["kms:GenerateDataKey"] if write else []
    if not actions:
        return
    bucket = kept.bucket
    context = [bucket.bucket_arn, bucket.arn_for_objects("*")]
    role.add_to_principal_policy(
        iam.PolicyStatement(
            actions=actions,
            resources=[kept.encryption_key],
            conditions={
                "StringEquals": {"kms:ViaService": _S3},
                "StringLike": {"kms:EncryptionContext:aws:s3:arn": context},
            },
        )
    )
