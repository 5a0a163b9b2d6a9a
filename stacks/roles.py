"""Roles for the users of the repository: CI, operators and hosts. See `role_settings`.

docs/ci.md, docs/operators.md and docs/hosts.md say what each may do; no role allows more.
"""

from __future__ import annotations

from typing import Any

from aws_cdk import ArnFormat, CfnOutput, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.encryption import Encryption
from stacks.role_settings import Ci, Hosts, Operators, Provider
from stacks.settings import Settings


class Roles(Construct):
    """`policies` maps the name of each role to the key patterns that its policy allows."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        settings: Settings,
        bucket: s3.IBucket,
        encryption: Encryption,
    ) -> None:
        super().__init__(scope, id)
        self._bucket = bucket
        self._encryption = encryption
        self._keys = settings.repository.layout.patterns
        self._providers: dict[str, str] = {}
        self.policies: dict[str, tuple[str, ...]] = {}
        for ci in settings.roles.ci:
            self._ci(ci)
        for operators in settings.roles.operators:
            self._operators(operators)
        for hosts in settings.roles.hosts:
            self._hosts(hosts)

    def _ci(self, ci: Ci) -> None:
        provider = ci.provider
        # StringLike is for subjects with wildcards only.
        subjects = "StringLike" if ci.has_wildcards else "StringEquals"
        conditions: dict[str, Any] = {
            "StringEquals": {f"{provider.issuer}:aud": provider.audience},
        }
        conditions.setdefault(subjects, {})[f"{provider.issuer}:sub"] = list(ci.subjects)
        trusted = iam.FederatedPrincipal(
            self._provider(provider), conditions, "sts:AssumeRoleWithWebIdentity"
        )
        places = [f"{suite}/{component}" for suite, component in ci.publishes]
        role = self._role("Ci", ci.name, trusted, f"publishes to {', '.join(places)}")
        staging = tuple(self._keys.staged(f"{place}/") for place in places)
        results = tuple(self._keys.results(f"{place}/") for place in places)
        self._allow(role, ["s3:PutObject", "s3:AbortMultipartUpload"], staging)
        # CI must not upload an operations.json, which removes packages or rolls a suite back.
        self._allow(role, ["s3:PutObject"], (self._keys.operations(),), iam.Effect.DENY)
        self._allow(role, ["s3:GetObject"], results)
        self._encryption.let(self._bucket, role, read=True, write=True)

    def _operators(self, operators: Operators) -> None:
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
        # The `debpress` command reads the bucket's name from the stack's outputs.
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["cloudformation:DescribeStacks"], resources=[_whole(Stack.of(self))]
            )
        )
        self._encryption.let(self._bucket, role, read=True, write=True)

    def _hosts(self, hosts: Hosts) -> None:
        trusted: iam.IPrincipal = (
            iam.CompositePrincipal(*[iam.ArnPrincipal(arn) for arn in hosts.principals])
            if hosts.principals
            else iam.ServicePrincipal("ec2.amazonaws.com")
        )
        role = self._role("Hosts", hosts.name, trusted, "reads what is published")
        self._allow(role, ["s3:GetObject"], (self._keys.published,))
        self._encryption.let(self._bucket, role, read=True)
        if not hosts.principals:
            profile = iam.CfnInstanceProfile(
                self, f"Hosts{hosts.name}Profile", roles=[role.role_name]
            )
            self._output(f"HostsProfile{hosts.name}", profile.ref)

    def _role(self, kind: str, name: str, trusted: iam.IPrincipal, does: str) -> iam.Role:
        role = iam.Role(
            self, f"{kind}{name}", assumed_by=trusted, description=f"debpress: {does}"[:1000]
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

    def _provider(self, provider: Provider) -> str:
        """The provider's ARN; made where the configuration names none."""
        if provider.arn:
            return provider.arn
        if provider.kind not in self._providers:
            made = iam.CfnOIDCProvider(
                self,
                f"Provider{provider.kind.capitalize()}",
                url=f"https://{provider.issuer}",
                client_id_list=[provider.audience],
            )
            self._providers[provider.kind] = made.attr_arn
        return self._providers[provider.kind]


def _whole(stack: Stack) -> str:
    """The stack's ARN with a wildcard for its id: a request by the stack's name has no id."""
    return stack.format_arn(
        service="cloudformation",
        resource="stack",
        resource_name=f"{stack.stack_name}/*",
        arn_format=ArnFormat.SLASH_RESOURCE_NAME,
    )
