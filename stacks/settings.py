"""Reads the settings from the context of cdk.json. An error names the key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import aws_lambda
from aws_cdk import aws_logs as logs
from constructs import Node
from debpress import config, strict
from debpress.errors import ConfigError
from debpress.layout import RESULTS, STAGING, STATE
from debpress.strict import ObjectReader

from stacks import role_settings

# The newest Python version of Lambda that this CDK knows, and for which all dependencies have
# wheels for both architectures.
NEWEST = "3.14"
_RETENTION = {
    "30": logs.RetentionDays.ONE_MONTH,
    "90": logs.RetentionDays.THREE_MONTHS,
    "180": logs.RetentionDays.SIX_MONTHS,
    "365": logs.RetentionDays.ONE_YEAR,
    "731": logs.RetentionDays.TWO_YEARS,
}
_ARCHITECTURES = {
    "arm64": aws_lambda.Architecture.ARM_64,
    "x86_64": aws_lambda.Architecture.X86_64,
}
_VPC_ENDPOINT = re.compile(r"vpce-[0-9a-f]+")
_ROLE = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/[\w+=,.@/-]+")
_KEY = re.compile(r"s3|kms|arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/(mrk-[0-9a-f]{32}|[0-9a-f-]{36})")
_TOPIC = re.compile(r"arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}")


@dataclass(frozen=True, slots=True)
class Readers:
    """Those who may read the repository's root, beside the account itself."""

    vpc_endpoints: tuple[str, ...] = ()
    role_arns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """`python` is a version (`3.14`), `architecture` Lambda's word for it, `prune_hour` is UTC's.
    `roles` are those for CI, operators and hosts; `encryption` is `s3`, `kms` or a key's ARN.
    `alarm_topics` are the SNS topics (ARNs) that alarms notify. `tls_only` is false for an emulator
    that speaks plain http and enforces policies. `gnupg_layer` is where layers/gnupg/bundle.py left
    the layer of the signers that are bundled."""

    repository: config.Repository
    architecture: str
    python: str
    readers: Readers
    roles: role_settings.RoleSettings
    encryption: str
    key_spec: str
    prune_hour: int
    log_retention: logs.RetentionDays
    alarm_topics: tuple[str, ...]
    tls_only: bool
    gnupg_layer: Path

    @property
    def lambda_architecture(self) -> aws_lambda.Architecture:
        return _ARCHITECTURES[self.architecture]

    @property
    def runtime(self) -> aws_lambda.Runtime:
        return aws_lambda.Runtime(f"python{self.python}", aws_lambda.RuntimeFamily.PYTHON)


KEY_SPECS = (
    "RSA_4096",
    "RSA_3072",
    "RSA_2048",
    "ECC_NIST_P256",
    "ECC_NIST_P384",
    "ECC_NIST_EDWARDS25519",
)

# Two kinds of keys in the context. The values of the first are JSON, which `cdk -c key='{…}'` gives
# as text. Those of the others are text, which cdk.json may have as a number or boolean (`3.14`).
_JSON = ("debpress", "readers", "roles", "alarm_topics", "prune_hour")
_NAMES = (
    "lambda_architecture",
    "lambda_python",
    "key_spec",
    "log_days",
    "tls_only",
    "encryption",
    "gnupg_layer",
)


def read(node: Node) -> Settings:
    """Reads the settings from the app's context. Raises ConfigError naming the key."""
    top = ObjectReader(_context(node), "")
    if "debpress" not in top.data:
        raise top.wrong("debpress", "describe the repository in cdk.json, under context")
    repository = config.parse(top.object("debpress").data)
    if f"{repository.root.partition('/')[0]}/" in (STAGING, RESULTS, STATE):
        problem = f"{repository.root!r} is for other things; take another"
        raise top.wrong("debpress.root", problem)
    readers = _readers(top.object("readers", {}))
    encryption = top.text("encryption", default="s3")
    if not _KEY.fullmatch(encryption):
        raise top.wrong("encryption", f"{encryption!r} must be s3, kms, or the ARN of a KMS key")
    if encryption != "s3" and readers.vpc_endpoints:
        raise top.wrong(
            "readers.vpc_endpoints",
            "hosts that come without credentials can't read what a key of KMS encrypts: "
            "give them a role (roles.hosts, readers.role_arns), or take encryption s3",
        )
    architecture = top.one_of("lambda_architecture", tuple(_ARCHITECTURES), "arm64")
    bundle = top.text("gnupg_layer", default=f"layers/gnupg/build/layer-{architecture}.zip")
    return Settings(
        repository=repository,
        architecture=architecture,
        python=top.one_of("lambda_python", ("3.11", "3.12", "3.13", "3.14"), NEWEST),
        readers=readers,
        roles=role_settings.parse(top.object("roles", {}).data, repository),
        encryption=encryption,
        key_spec=top.one_of("key_spec", KEY_SPECS, "RSA_4096"),
        prune_hour=top.number("prune_hour", 0, 23, 3),
        log_retention=_RETENTION[top.one_of("log_days", tuple(_RETENTION), "90")],
        alarm_topics=top.texts("alarm_topics", _TOPIC, least=0),
        tls_only=top.one_of("tls_only", ("true", "false"), "true") == "true",
        gnupg_layer=Path(__file__).parent.parent / bundle,
    )


def _readers(entry: ObjectReader) -> Readers:
    readers = Readers(
        entry.texts("vpc_endpoints", _VPC_ENDPOINT, least=0),
        entry.texts("role_arns", _ROLE, least=0),
    )
    entry.done()
    return readers


def _context(node: Node) -> dict[str, Any]:
    """Our keys of the context, without the CDK's own."""
    found = {key: node.try_get_context(key) for key in (*_JSON, *_NAMES)}
    found = {key: value for key, value in found.items() if value is not None}
    for key in found.keys() & _JSON:
        if isinstance(found[key], str):
            try:
                found[key] = strict.loads(found[key])
            except ValueError as error:
                raise ConfigError(f"{key}: is not JSON: {error}") from error
    for key in found.keys() & _NAMES:
        name = str(found[key])
        found[key] = name.lower() if key == "tls_only" else name
    return found
