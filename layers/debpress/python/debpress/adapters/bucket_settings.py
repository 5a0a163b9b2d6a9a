"""Reads a bucket's settings.

IAM: s3:GetBucketVersioning, s3:GetBucketPublicAccessBlock, s3:GetBucketNotification,
s3:GetEncryptionConfiguration, s3:GetLifecycleConfiguration and s3:GetBucketPolicy on the bucket.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from debpress.adapters.asking import asked, unless
from debpress.doctor.bucket import BucketFacts
from debpress.doctor.findings import Unseen


def settings(client: Any, bucket: str) -> BucketFacts:
    def ask(permission: str, what: str, call: Callable[..., Any], *none: str) -> Any:
        return asked(
            permission, f"{what} of {bucket}", unless(none, {}, lambda: call(Bucket=bucket))
        )

    versioning = ask("s3:GetBucketVersioning", "the versioning", client.get_bucket_versioning)
    public = ask(
        "s3:GetBucketPublicAccessBlock",
        "the public access block",
        client.get_public_access_block,
        "NoSuchPublicAccessBlockConfiguration",
    )
    events = ask(
        "s3:GetBucketNotification",
        "the notifications",
        client.get_bucket_notification_configuration,
    )
    encryption = ask(
        "s3:GetEncryptionConfiguration",
        "the encryption",
        client.get_bucket_encryption,
        "ServerSideEncryptionConfigurationNotFoundError",
    )
    lifecycle = ask(
        "s3:GetLifecycleConfiguration",
        "the lifecycle rules",
        client.get_bucket_lifecycle_configuration,
        "NoSuchLifecycleConfiguration",
    )
    return BucketFacts(
        name=bucket,
        versioning=_part(versioning, lambda a: a.get("Status")),
        public_access=_part(public, lambda a: a.get("PublicAccessBlockConfiguration", {})),
        events=_part(events, lambda a: "EventBridgeConfiguration" in a),
        encryption=_part(encryption, _encryption),
        lifecycle=_part(lifecycle, lambda a: a.get("Rules", [])),
    )


def policy(client: Any, bucket: str) -> list[dict[str, Any]] | Unseen:
    """The statements of the bucket's policy; none where it has no policy."""
    call = unless(
        ("NoSuchBucketPolicy",), {"Policy": "{}"}, lambda: client.get_bucket_policy(Bucket=bucket)
    )
    answer = asked("s3:GetBucketPolicy", f"the policy of {bucket}", call)
    return answer if isinstance(answer, Unseen) else statements(answer["Policy"])


def statements(text: str) -> list[dict[str, Any]]:
    """The statements of a policy; a single one may stand there without a list."""
    found = json.loads(text).get("Statement", [])
    return found if isinstance(found, list) else [found]


def _part(answer: Any, take: Callable[[Any], Any]) -> Any:
    return answer if isinstance(answer, Unseen) else take(answer)


def _encryption(answer: Any) -> dict[str, str]:
    rules = answer.get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
    return dict(rules[0].get("ApplyServerSideEncryptionByDefault", {})) if rules else {}
