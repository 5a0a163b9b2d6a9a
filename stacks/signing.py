"""The keys that sign: in KMS, made where some signer is `awskms:` and names no key of its own; or
in the layer of a `gnupg:` signer, whose passphrase the signing function may read.
"""

from __future__ import annotations

from aws_cdk import Aws, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct
from debpress.signing import gnupg

from stacks.functions import Functions
from stacks.permissions import grants
from stacks.settings import Settings


class Signing(Construct):
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        settings: Settings,
        functions: Functions,
        layers: list[lambda_.ILayerVersion],
    ) -> None:
        super().__init__(scope, id)
        self.key: kms.Key | None = None
        configured = settings.repository.signers
        bundled = [uri for uri in configured if uri.startswith("gnupg:")]
        signers = [uri.partition("#")[0] for uri in configured if uri not in bundled]
        functions["sign"].add_layers(*layers)
        if bundled:
            secrets = [_secret(gnupg.parse(uri)[1]) for uri in bundled]
            functions.role("sign").add_to_principal_policy(
                iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=secrets)
            )
        if "awskms:" in signers:
            self.key = kms.Key(
                self,
                "Key",
                description="debpress: signs what apt trusts",
                key_spec=kms.KeySpec[settings.key_spec],
                key_usage=kms.KeyUsage.SIGN_VERIFY,
                removal_policy=RemovalPolicy.RETAIN,
                # For people: what the press knows is the ARN.
                alias=f"alias/{Stack.of(self).stack_name}-signing",
            )
            _only(self.key, functions.role("sign"))
            functions["sign"].add_environment("DEBPRESS_KMS_KEY", self.key.key_arn)
        actions = list(grants(settings.repository.layout)["sign"].kms)
        arns = [self.key.key_arn] if self.key else []
        named = [uri.removeprefix("awskms:") for uri in signers if uri != "awskms:"]
        arns += [_arn(name) for name in named if "alias/" not in name]
        role = functions.role("sign")
        if arns:
            role.add_to_principal_policy(iam.PolicyStatement(actions=actions, resources=arns))
        aliases = [name.rpartition(":")[2] for name in named if "alias/" in name]
        if aliases:
            # A key behind an alias has no ARN known here: allowed is what is asked for by it.
            role.add_to_principal_policy(
                iam.PolicyStatement(
                    actions=actions,
                    resources=["*"],
                    conditions={"ForAnyValue:StringEquals": {"kms:ResourceAliases": aliases}},
                )
            )


def _arn(key: str) -> str:
    """The ARN of a key that is named by it, or by its id alone."""
    if key.startswith("arn:"):
        return key
    return f"arn:{Aws.PARTITION}:kms:{Aws.REGION}:{Aws.ACCOUNT_ID}:key/{key}"


def _secret(name: str) -> str:
    """The ARN of a passphrase's secret; Secrets Manager puts six characters behind its name."""
    if name.startswith("arn:"):
        return name
    place = f"arn:{Aws.PARTITION}:secretsmanager:{Aws.REGION}:{Aws.ACCOUNT_ID}"
    return f"{place}:secret:{name}-??????"


def _only(key: kms.Key, signer: iam.IRole) -> None:
    """Nobody but the signing function signs, whatever other roles of the account are allowed. Who
    may change the key's policy may change this, too."""
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="OnlyTheSignerSigns",
            effect=iam.Effect.DENY,
            principals=[iam.AnyPrincipal()],
            actions=["kms:Sign"],
            resources=["*"],
            conditions={"ArnNotEquals": {"aws:PrincipalArn": signer.role_arn}},
        )
    )
