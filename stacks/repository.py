"""A repository of Debian packages within somebody else's stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Annotations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct
from debpress import guards
from debpress.errors import ConfigError

from . import settings
from .archive import Archive
from .kept import Kept
from .press import Press
from .settings import Settings
from .signing import SigningKey


class AptRepository(Construct):
    """An archive and the press that works upon it.

    `suites` and everything in `more` are what `cdk.json` has below `context` (docs/deploy.md):
    `more` of the repository itself goes into `repository`, such as `root` and `grace_hours`.

    `outputs` has what documents and commands ask for, by name (`Bucket`, `StateMachine`, `Uri`…).

    `bucket`, if given, is used instead of one that is made. It has to be versioned, and send its
    events to EventBridge. `signing_key`, if given, is a key of KMS (SIGN_VERIFY) that signs instead
    of one that is made. Both get the statements by which only a step's own role may flip, fill the
    pool, delete and sign; where that can't be done, since they are not this application's, the
    synthesis warns, and `debpress doctor` says what is missing. `vpc_endpoints` are the ids of
    gateway endpoints through which hosts read without credentials. `uri`, if given, is where hosts
    find the root, such as that of a domain's distribution; else it is the bucket's own.

    Raises ConfigError where a setting is wrong.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        suites: Sequence[Mapping[str, Any]],
        name: str = "debpress",
        repository: Mapping[str, Any] | None = None,
        bucket: s3.IBucket | None = None,
        signing_key: kms.IKey | None = None,
        vpc_endpoints: Sequence[str] = (),
        uri: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(scope, id)
        if "delivery" in more:
            raise ConfigError(
                "delivery: is a stack of its own; within an application, put a distribution in "
                "front of `bucket` and say its address as `uri`"
            )
        # A key of this application has no ARN yet, which the configuration's file could name; so it
        # is the one that `awskms:` means, whose ARN the signer's environment has.
        found = settings.parse(
            {
                **more,
                "name": name,
                "debpress": {**(repository or {}), "suites": [dict(each) for each in suites]},
                "readers": {**more.get("readers", {}), "vpc_endpoints": list(vpc_endpoints)},
            }
        )
        key = signing_key.key_arn if signing_key else None
        if found.replica:
            problem = "a stack of another Region can't be made within this one; see docs/deploy.md"
            raise ConfigError(f"replica: {problem}")
        kept = self._existing(found, bucket, key) if bucket else self._made(found, key)
        if signing_key:
            self._guard_key(found, signing_key)
        press = Press(self, "Press", found, kept, uri or found.public_uri)
        self.bucket = kept.bucket
        self.outputs: Mapping[str, str] = press.outputs

    def _made(self, found: Settings, key: str | None) -> Kept:
        return Archive(self, "Archive", found, key).kept

    def _existing(self, found: Settings, bucket: s3.IBucket, key: str | None) -> Kept:
        """An archive in a bucket that somebody else made."""
        if found.access_logs:
            raise ConfigError("access_logs: are set at the bucket itself, where that is given")
        layout, role = found.repository.layout, found.names.role_arn
        added = [
            bucket.add_to_resource_policy(iam.PolicyStatement.from_json(each)).statement_added
            for each in guards.bucket(bucket.bucket_arn, layout, role)
        ]
        if not all(added):
            self._warn("bucket", "its policy lets others flip, fill the pool and delete")
        encrypts = bucket.encryption_key.key_arn if bucket.encryption_key else None
        return Kept(bucket, key or SigningKey(self, "Signing", found).arn, encrypts)

    def _guard_key(self, found: Settings, key: kms.IKey) -> None:
        only = iam.PolicyStatement.from_json(guards.signing(found.names.role_arn("sign")))
        if not key.add_to_resource_policy(only).statement_added:
            self._warn("signing-key", "its policy lets others sign")

    def _warn(self, what: str, problem: str) -> None:
        Annotations.of(self).add_warning_v2(
            f"debpress:{what}",
            f"the {what.replace('-', ' ')} is not made by this application: {problem}. "
            "`debpress doctor` says which statements to add",
        )
