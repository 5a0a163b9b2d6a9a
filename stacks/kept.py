"""What is kept when its stack goes, or when a change would replace it."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import CfnResource, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import IConstruct

# Unless the very creation is rolled back (CloudFormation, "DeletionPolicy": RetainExceptOnCreate):
# what a failed first deployment made is empty, and nobody would know that it is there.
KEPT = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE


def keep(construct: IConstruct) -> None:
    """Keeps the resource of a construct that has no removal policy of its own."""
    resource = construct if isinstance(construct, CfnResource) else construct.node.default_child
    assert isinstance(resource, CfnResource)
    resource.apply_removal_policy(KEPT)


@dataclass(frozen=True, slots=True)
class Kept:
    """What an archive keeps and a press works with, wherever they come from.

    The keys are ARNs: `signing_key` of the key that `awskms:` means, None where no signer means it;
    `encryption_key` None where S3's own keys encrypt.
    """

    bucket: s3.IBucket
    signing_key: str | None
    encryption_key: str | None
