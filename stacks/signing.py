"""The signing keys, and the permission to use them, which only the signing function has.

The stack makes a key in KMS if a signer is a bare `awskms:`. For other keys in KMS the function is
allowed to sign; for a `gnupg:` signer, whose key is in a layer, to read its passphrase.
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
                # The alias is for people only; the functions use the ARN.
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
            # The ARN of the key that an alias means is not known at synthesis. So signing is
            # allowed with every key, on condition that the key has one of these aliases.
            role.add_to_principal_policy(
                iam.PolicyStatement(
                    actions=actions,
                    resources=["*"],
                    conditions={"ForAnyValue:StringEquals": {"kms:ResourceAliases": aliases}},
                )
            )


def _arn(key: str) -> str:
    """The ARN of a key in KMS; `key` is the ARN or the key id."""
    if key.startswith("arn:"):
        return key
    return f"arn:{Aws.PARTITION}:kms:{Aws.REGION}:{Aws.ACCOUNT_ID}:key/{key}"


def _secret(name: str) -> str:
    """The ARN (with wildcards) of a secret: Secrets Manager adds six characters to its name."""
    if name.startswith("arn:"):
        return name
    place = f"arn:{Aws.PARTITION}:secretsmanager:{Aws.REGION}:{Aws.ACCOUNT_ID}"
    return f"{place}:secret:{name}-??????"


def _only(key: kms.Key, signer: iam.IRole) -> None:
    """Denies signing to everybody but the signing function, whatever the account's other roles are
    allowed. Whoever may change the key's policy can undo this."""
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
