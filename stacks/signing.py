"""The signing keys, and the permission to use them, which only the signing function has.

The archive makes a key in KMS if a signer is a bare `awskms:`. For other keys in KMS the function
is allowed to sign; for a `gnupg:` signer, whose key is in a layer, to read its passphrase.
"""

from __future__ import annotations

from aws_cdk import Annotations, Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct
from debpress import guards
from debpress.signing import gnupg

from .functions import Functions
from .kept import KEPT
from .permissions import grants
from .settings import Settings


class SigningKey(Construct):
    """The key that `awskms:` means. `arn` is None where no signer means it.

    An adopted key keeps the policy that it has; that names the same role, if the press's name and
    the Region are what they were. No other property of it can change.
    """

    def __init__(self, scope: Construct, id: str, settings: Settings) -> None:  # noqa: A002
        super().__init__(scope, id)
        self.arn: str | None = None
        alias = settings.names.alias("signing")
        if not settings.signs_by_own_key:
            return
        if settings.adopt.signing_key:
            self.arn = settings.adopt.signing_key
            kms.CfnAlias(self, "Alias", alias_name=alias, target_key_id=self.arn)
            return
        key = kms.Key(
            self,
            "Key",
            description=f"{settings.name}: signs what apt trusts",
            key_spec=kms.KeySpec[settings.key_spec],
            key_usage=kms.KeyUsage.SIGN_VERIFY,
            multi_region=settings.multi_region,
            removal_policy=KEPT,
            alias=alias,
        )
        self.arn = key.key_arn
        regions = "several Regions" if settings.multi_region else "one Region"
        Annotations.of(self).add_info(
            f"The signing key is {settings.key_spec}, for {regions} (key_spec, multi_region). "
            "Neither can change once the key is made (docs/keys.md#a-new-key)."
        )
        only = guards.signing(settings.names.role_arn("sign"))
        key.add_to_resource_policy(iam.PolicyStatement.from_json(only))


class Signing(Construct):
    """`key` is the ARN of the key that `awskms:` means, if a signer means it."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        settings: Settings,
        functions: Functions,
        layers: list[lambda_.ILayerVersion],
        key: str | None,
    ) -> None:
        super().__init__(scope, id)
        configured = settings.repository.signers
        bundled = [uri for uri in configured if uri.startswith("gnupg:")]
        functions["sign"].add_layers(*layers)
        role = functions.role("sign")
        if bundled:
            secrets = [_secret(gnupg.parse(uri)[1]) for uri in bundled]
            role.add_to_principal_policy(
                iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=secrets)
            )
        if key:
            functions["sign"].add_environment("DEBPRESS_KMS_KEY", key)
        actions = list(grants(settings.repository)["sign"].kms)
        for statement in on_keys(settings, key, actions):
            role.add_to_principal_policy(statement)


def on_keys(settings: Settings, key: str | None, actions: list[str]) -> list[iam.PolicyStatement]:
    """Statements that allow actions on every signing key in KMS; `key` is the ARN of the archive's
    own, if a signer means it."""
    signers = [uri.partition("#")[0] for uri in settings.repository.signers]
    named = [
        uri.removeprefix("awskms:") for uri in signers if uri.startswith("awskms:") and uri[7:]
    ]
    arns = [key] if key else []
    arns += [_arn(name) for name in named if "alias/" not in name]
    found = [iam.PolicyStatement(actions=actions, resources=arns)] if arns else []
    aliases = [name.rpartition(":")[2] for name in named if "alias/" in name]
    if aliases:
        # The ARN of the key that an alias means is not known at synthesis. So it is allowed with
        # every key, on condition that the key has one of these aliases.
        found.append(
            iam.PolicyStatement(
                actions=actions,
                resources=["*"],
                conditions={"ForAnyValue:StringEquals": {"kms:ResourceAliases": aliases}},
            )
        )
    return found


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
