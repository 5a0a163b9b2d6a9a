"""Roles for the users of the repository: CI, operators and hosts. See `role_settings`.

docs/ci.md, docs/operators.md and docs/hosts.md say what each may do; no role allows more. Hosts go
on reading whatever becomes of the press, so their roles are the archive's.
"""

from __future__ import annotations

from typing import Any

from aws_cdk import Annotations, ArnFormat, Aws, CfnOutput, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from . import looking
from .encryption import let_encrypt
from .kept import Kept, keep
from .role_settings import Ci, Hosts, Operators, Provider
from .settings import Settings


class _Roles(Construct):
    """`policies` maps the name of each role to the key patterns that its policy allows."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        settings: Settings,
        kept: Kept,
    ) -> None:
        super().__init__(scope, id)
        self._names = settings.names
        self._kept = kept
        self._bucket = kept.bucket
        self._replica = settings.replica_arn
        self._keys = settings.repository.layout.patterns
        self.policies: dict[str, tuple[str, ...]] = {}

    def _role(self, kind: str, name: str, trusted: iam.IPrincipal, does: str) -> iam.Role:
        role = iam.Role(
            self,
            f"{kind}{name}",
            # Pipelines and profiles name it, so it is the same in a press that is deployed again.
            role_name=self._names.role(f"{kind.lower()}-{name}"),
            assumed_by=trusted,
            description=f"{self._names.press}: {does}"[:1000],
        )
        self._output(f"{kind}Role{name}", role.role_arn)
        return role

    def _output(self, name: str, value: str) -> None:
        CfnOutput(Stack.of(self), f"{name}Output", value=value).override_logical_id(name)

    def _allow(
        self,
        role: iam.Role,
        actions: list[str],
        keys: tuple[str, ...],
        effect: iam.Effect = iam.Effect.ALLOW,
    ) -> None:
        role.add_to_policy(
            iam.PolicyStatement(
                effect=effect,
                actions=actions,
                resources=[self._bucket.arn_for_objects(key) for key in keys],
            )
        )
        if effect is iam.Effect.ALLOW:
            self.policies[role.node.id] = (*self.policies.get(role.node.id, ()), *keys)


class Roles(_Roles):
    """Those for CI and operators, who need the press."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        settings: Settings,
        kept: Kept,
    ) -> None:
        super().__init__(scope, id, settings, kept)
        # Buckets and prefixes below which requests are logged.
        self.logs: list[tuple[str, str]] = []
        if settings.access_logs:
            self.logs.append((_bucket_arn(settings.names.logs_bucket), ""))
        if settings.delivery and settings.delivery.logs:
            logs = settings.delivery.logs
            self.logs.append((_bucket_arn(logs.bucket), logs.prefix))
        self._delivers = settings.delivery is not None
        for ci in settings.roles.ci:
            self._ci(ci)
        self.operators = [self._operators(each) for each in settings.roles.operators]

    def _stacks(self) -> tuple[str, ...]:
        """Those that the press is in; within somebody's application it is one."""
        own = Stack.of(self).stack_name
        return (self._names.archive_stack, own) if own == self._names.press_stack else (own,)

    def _ci(self, ci: Ci) -> None:
        provider = ci.provider
        for subject in ci.recyclable:
            Annotations.of(self).add_warning_v2(
                f"debpress:recyclable-{ci.name}-{subject}",
                f"roles.ci, {ci.name}: {subject} trusts names, which GitHub gives to others when "
                "they are given up. Let the repository's tokens have immutable subjects, and write "
                "repo:OWNER@ID/REPOSITORY@ID:… (docs/ci.md#roles-without-stored-keys).",
            )
        # StringLike is for subjects with wildcards only.
        subjects = "StringLike" if ci.has_wildcards else "StringEquals"
        conditions: dict[str, Any] = {
            "StringEquals": {f"{provider.issuer}:aud": provider.audience},
        }
        conditions.setdefault(subjects, {})[f"{provider.issuer}:sub"] = list(ci.subjects)
        if ci.suite_tag:
            # A value with a slash could name a place below another suite's, one that is empty all
            # of them. Without the tag there is no session.
            tag = f"aws:RequestTag/{ci.suite_tag}"
            conditions.setdefault("StringLike", {})[tag] = "?*"
            conditions["StringNotLike"] = {tag: "*/*"}
        trusted: iam.PrincipalBase = iam.FederatedPrincipal(
            provider_arn(provider), conditions, "sts:AssumeRoleWithWebIdentity"
        )
        if ci.suite_tag:
            trusted = trusted.with_session_tags()
        # IAM's own `*` is a pattern's as well (layout.Patterns).
        places = [f"{suite}/{component}" for suite, component in ci.publishes]
        role = self._role("Ci", ci.name, trusted, f"publishes to {', '.join(places)}")
        if ci.suite_tag:
            tagged = f"${{aws:PrincipalTag/{ci.suite_tag}}}"
            places = [place.replace("*", tagged) for place in places]
        # What tells an uploader from others is how its batches' names begin, and so it may write
        # no others.
        own = f"{ci.uploader}." if ci.uploader else ""
        staging = tuple(self._keys.staged(f"{place}/{own}") for place in places)
        results = tuple(self._keys.results(f"{place}/{own}") for place in places)
        self._allow(role, ["s3:PutObject", "s3:AbortMultipartUpload"], staging)
        # CI must not upload an operations.json, which removes packages or rolls a suite back.
        self._allow(role, ["s3:PutObject"], (self._keys.operations(),), iam.Effect.DENY)
        # By the configuration, `debpress upload` tells before it sends what the suite would refuse.
        self._allow(role, ["s3:GetObject"], (*results, self._keys.repository))
        # An upload that broke off goes on by the names and ETags of what is staged, and reads none.
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[self._bucket.bucket_arn],
                conditions={"StringLike": {"s3:prefix": list(staging)}},
            )
        )
        let_encrypt(self._kept, role, read=True, write=True)

    def _operators(self, operators: Operators) -> iam.Role:
        principals = [iam.ArnPrincipal(arn) for arn in operators.principals]
        role = self._role(
            "Operators", operators.name, iam.CompositePrincipal(*principals), "operates"
        )
        places = [f"{suite}/{component}/" for suite, component in operators.changes] or [""]
        requests = tuple(self._keys.operations(place) for place in places)
        self._allow(role, ["s3:PutObject"], requests)
        readable = (self._keys.published, self._keys.results(), self._keys.state)
        self._allow(role, ["s3:GetObject"], readable)
        role.add_to_principal_policy(
            iam.PolicyStatement(actions=["s3:ListBucket"], resources=[self._bucket.bucket_arn])
        )
        self._let_read_logs(role)
        # The `debpress` command reads the bucket's name from the stacks' outputs.
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=list(looking.OF_STACKS),
                resources=[_whole(self, each) for each in self._stacks()],
            )
        )
        let_encrypt(self._kept, role, read=True, write=True)
        return role

    def _let_read_logs(self, role: iam.Role) -> None:
        """Who has fetched what, for `debpress status --hosts`."""
        allowed: list[tuple[str, str, dict[str, Any] | None]] = []
        if self.logs:
            allowed.append(("s3:GetBucketLogging", self._bucket.bucket_arn, None))
        for bucket, prefix in self.logs:
            below = {"StringLike": {"s3:prefix": f"{prefix}*"}} if prefix else None
            allowed.append(("s3:ListBucket", bucket, below))
            allowed.append(("s3:GetObject", f"{bucket}/{prefix}*", None))
        if self._delivers:
            # Its outputs say where it logs.
            stack = _whole(self, self._names.delivery_stack)
            allowed.append(("cloudformation:DescribeStacks", stack, None))
        for action, resource, conditions in allowed:
            role.add_to_principal_policy(
                iam.PolicyStatement(actions=[action], resources=[resource], conditions=conditions)
            )


class HostRoles(_Roles):
    """Those for hosts, which read."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        settings: Settings,
        kept: Kept,
    ) -> None:
        super().__init__(scope, id, settings, kept)
        for hosts in settings.roles.hosts:
            self._hosts(hosts)

    def _hosts(self, hosts: Hosts) -> None:
        trusted: iam.IPrincipal = (
            iam.CompositePrincipal(*[iam.ArnPrincipal(arn) for arn in hosts.principals])
            if hosts.principals
            else iam.ServicePrincipal("ec2.amazonaws.com")
        )
        role = self._role("Hosts", hosts.name, trusted, "reads what is published")
        self._allow(role, ["s3:GetObject"], (self._keys.published,))
        if self._replica:
            objects = [f"{self._replica}/{self._keys.published}"]
            role.add_to_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=objects))
        let_encrypt(self._kept, role, read=True)
        if not hosts.principals:
            profile = iam.CfnInstanceProfile(
                self, f"Hosts{hosts.name}Profile", roles=[role.role_name]
            )
            self._output(f"HostsProfile{hosts.name}", profile.ref)


class Providers(Construct):
    """Those who vouch for CI's tokens, where the configuration does not say that the account has
    them. They are kept: an account has one for an issuer, and others may have come to use it."""

    def __init__(self, scope: Construct, id: str, settings: Settings) -> None:  # noqa: A002
        super().__init__(scope, id)
        wanted = {ci.provider.kind: ci.provider for ci in settings.roles.ci}
        for kind, provider in wanted.items():
            if provider.arn is None:
                made = iam.CfnOIDCProvider(
                    self,
                    kind.capitalize(),
                    url=f"https://{provider.issuer}",
                    client_id_list=[provider.audience],
                )
                keep(made)


def provider_arn(provider: Provider) -> str:
    """It follows from the issuer, whoever makes the provider (IAM user guide, "IAM
    identifiers")."""
    made = f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:oidc-provider/{provider.issuer}"
    return provider.arn or made


def _bucket_arn(name: str) -> str:
    return f"arn:{Aws.PARTITION}:s3:::{name}"


def _whole(scope: Construct, stack: str) -> str:
    """A stack's ARN with a wildcard for its id: a request by the stack's name has no id."""
    return Stack.of(scope).format_arn(
        service="cloudformation",
        resource="stack",
        resource_name=f"{stack}/*",
        arn_format=ArnFormat.SLASH_RESOURCE_NAME,
    )
