"""The context of cdk.json, typed. An error names the key."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import aws_lambda
from aws_cdk import aws_logs as logs
from constructs import Node
from debpress import config
from debpress.errors import ConfigError
from debpress.layout import RESULTS, STAGING, STATE

from stacks import handed_out

# The newest that this CDK knows, and that has wheels of all we need for both architectures.
NEWEST = "3.14"
_RETENTION = {
    30: logs.RetentionDays.ONE_MONTH,
    90: logs.RetentionDays.THREE_MONTHS,
    180: logs.RetentionDays.SIX_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
    731: logs.RetentionDays.TWO_YEARS,
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
    """Who may read what hosts read, beside the account itself."""

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
    roles: handed_out.HandedOut
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


def read(node: Node) -> Settings:
    """Raises ConfigError naming the key."""
    described = _object(node, "debpress")
    if described is None:
        raise ConfigError("debpress: describe the repository in cdk.json, under context")
    readers = _object(node, "readers") or {}
    for key in readers:
        if key not in ("vpc_endpoints", "role_arns"):
            raise ConfigError(f"readers.{key}: unknown key (known: vpc_endpoints, role_arns)")
    repository = config.parse(described)
    if f"{repository.root.partition('/')[0]}/" in (STAGING, RESULTS, STATE):
        raise ConfigError(f"debpress.root: {repository.root!r} is for other things; take another")
    encryption = str(node.try_get_context("encryption") or "s3")
    if not _KEY.fullmatch(encryption):
        raise ConfigError(f"encryption: {encryption!r} must be s3, kms, or the ARN of a KMS key")
    if encryption != "s3" and readers.get("vpc_endpoints"):
        raise ConfigError(
            "readers.vpc_endpoints: hosts that come without credentials can't read what a key of "
            "KMS encrypts: give them a role (roles.hosts, readers.role_arns), or take encryption s3"
        )
    architecture = _one_of(node, "lambda_architecture", "arm64", tuple(_ARCHITECTURES))
    bundle = node.try_get_context("gnupg_layer") or f"layers/gnupg/build/layer-{architecture}.zip"
    return Settings(
        repository=repository,
        architecture=architecture,
        python=_one_of(node, "lambda_python", NEWEST, ("3.11", "3.12", "3.13", "3.14")),
        readers=Readers(
            _texts(readers.get("vpc_endpoints"), "readers.vpc_endpoints", _VPC_ENDPOINT),
            _texts(readers.get("role_arns"), "readers.role_arns", _ROLE),
        ),
        roles=handed_out.parse(_object(node, "roles") or {}, repository),
        encryption=encryption,
        key_spec=_one_of(node, "key_spec", "RSA_4096", KEY_SPECS),
        prune_hour=_number(node, "prune_hour", 3, 0, 23),
        log_retention=_RETENTION[int(_one_of(node, "log_days", "90", tuple(map(str, _RETENTION))))],
        alarm_topics=_texts(_json(node, "alarm_topics"), "alarm_topics", _TOPIC),
        tls_only=_one_of(node, "tls_only", "true", ("true", "false")) == "true",
        gnupg_layer=Path(__file__).parent.parent / str(bundle),
    )


KEY_SPECS = (
    "RSA_4096",
    "RSA_3072",
    "RSA_2048",
    "ECC_NIST_P256",
    "ECC_NIST_P384",
    "ECC_NIST_EDWARDS25519",
)


def _json(node: Node, key: str) -> Any:
    value = node.try_get_context(key)
    if isinstance(value, str):  # As `cdk -c key='{…}'` gives it.
        try:
            return json.loads(value)
        except ValueError as error:
            raise ConfigError(f"{key}: is not JSON: {error}") from error
    return value


def _object(node: Node, key: str) -> Mapping[str, Any] | None:
    value = _json(node, key)
    if value is not None and not isinstance(value, Mapping):
        raise ConfigError(f"{key}: must be an object")
    return value


def _one_of(node: Node, key: str, default: str, known: tuple[str, ...]) -> str:
    value = node.try_get_context(key)
    text = default if value is None else str(value).lower() if key == "tls_only" else str(value)
    if text not in known:
        raise ConfigError(f"{key}: {text!r} must be one of {', '.join(known)}")
    return str(text)


def _number(node: Node, key: str, default: int, least: int, most: int) -> int:
    value = node.try_get_context(key)
    try:
        number = default if value is None else int(value)
    except (TypeError, ValueError):
        number = least - 1
    if not least <= number <= most:
        raise ConfigError(f"{key}: {value!r} must be a whole number, {least} to {most}")
    return number


def _texts(values: Any, key: str, form: re.Pattern[str]) -> tuple[str, ...]:
    if values is None:
        return ()
    if not isinstance(values, list):
        raise ConfigError(f"{key}: must be a list")
    for index, value in enumerate(values):
        if not isinstance(value, str) or not form.fullmatch(value):
            raise ConfigError(f"{key}[{index}]: {value!r} does not fit {form.pattern}")
    return tuple(values)
