"""Reads the settings from the context of cdk.json. An error names the key."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aws_cdk import Aws, aws_lambda
from aws_cdk import aws_logs as logs
from constructs import Node
from debpress import config, guards, strict
from debpress.errors import ConfigError, SigningError
from debpress.layout import RESULTS, STAGING, STATE
from debpress.openpgp import certificates
from debpress.provenance import trust
from debpress.strict import ObjectReader

from . import delivery_settings, event_settings, replica_settings, role_settings
from .assets import ROOT
from .names import MOST_WITH_LOGS, Names

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
_ROLE = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/[\w+=,.@/-]+")
_KEY = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/(mrk-[0-9a-f]{32}|[0-9a-f-]{36})")
_ENCRYPTION = re.compile(rf"s3|kms|{_KEY.pattern}")
_URL = re.compile(r"https?://[!-~]+[^/]")
_TOPIC = re.compile(r"arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}")


@dataclass(frozen=True, slots=True)
class Readers:
    """Those who may read the repository's root, beside the account itself."""

    vpc_endpoints: tuple[str, ...] = ()
    role_arns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Adopted:
    """What an archive takes over from one whose stack is gone: the bucket by its name, the key that
    `awskms:` means by its ARN. None of either makes it anew."""

    bucket: str | None = None
    signing_key: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """`name` is that of the press, of which the stacks' and all other names are made.
    `python` is a version (`3.14`), `architecture` Lambda's word for it, `prune_hour` is UTC's.
    `roles` are those for CI, operators and hosts; `encryption` is `s3`, `kms` or a key's ARN.
    `alarm_topics` are the SNS topics (ARNs) that alarms notify, `event_topics` those that are told
    of events. `docs_url` is where these pages can be read; without it the dashboard but names them.
    `provenance_trust_root` is the file with the keys of Sigstore that provenance is verified by,
    None for those of its public instance.
    `delivery` is the distribution in front of the bucket, None for none; `public_uri` is where
    hosts find the root, by a proxy of somebody else's. `replica` is None where no bucket follows in
    another Region. `tls_only` is false for an emulator that speaks plain http and enforces
    policies. `gnupg_layer` is where layers/gnupg/bundle.py left the layer of the signers that are
    bundled."""

    name: str
    adopt: Adopted
    repository: config.Repository
    architecture: str
    python: str
    readers: Readers
    delivery: delivery_settings.Delivery | None
    public_uri: str | None
    roles: role_settings.RoleSettings
    encryption: str
    key_spec: str
    multi_region: bool
    prune_hour: int
    log_retention: logs.RetentionDays
    alarm_topics: tuple[str, ...]
    event_topics: tuple[event_settings.Listener, ...]
    dashboard: bool
    docs_url: str | None
    tls_only: bool
    gnupg_layer: Path
    replica: replica_settings.Replica | None = None
    provenance_trust_root: Path | None = None
    access_logs: int | None = None

    @property
    def names(self) -> Names:
        return Names(self.name)

    @property
    def signs_by_own_key(self) -> bool:
        """Whether a signer is the key that the archive makes, its certificate pinned or not."""
        return any(uri.partition("#")[0] == "awskms:" for uri in self.repository.signers)

    @property
    def replica_bucket(self) -> str | None:
        """The name of the bucket that follows, where there is one."""
        return (self.replica.bucket or self.names.replica_bucket) if self.replica else None

    @property
    def replica_arn(self) -> str | None:
        return self.replica_bucket and f"arn:{Aws.PARTITION}:s3:::{self.replica_bucket}"

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
_JSON = (
    *("debpress", "adopt", "readers", "delivery", "roles"),
    *("alarm_topics", "event_topics", "prune_hour", "replica", "access_logs"),
)
_NAMES = (
    "name",
    "lambda_architecture",
    "lambda_python",
    "key_spec",
    "multi_region",
    "log_days",
    "tls_only",
    "encryption",
    "gnupg_layer",
    "provenance_trust_root",
    "dashboard",
    "docs_url",
    "public_uri",
)


def read(node: Node) -> Settings:
    """Reads the settings from the app's context. Raises ConfigError naming the key."""
    return parse(_context(node), os.environ.get("CDK_DEFAULT_REGION"))


def parse(given: Mapping[str, Any], region: str | None = None) -> Settings:
    """The settings of what `cdk.json` has below `context`. `region` is where the stacks go, as far
    as that is known. Raises ConfigError naming the key."""
    top = ObjectReader(dict(given), "")
    if "debpress" not in top.data:
        raise top.wrong("debpress", "describe the repository in cdk.json, under context")
    repository = config.parse(top.object("debpress").data)
    if f"{repository.root.partition('/')[0]}/" in (STAGING, RESULTS, STATE):
        problem = f"{repository.root!r} is for other things; take another"
        raise top.wrong("debpress.root", problem)
    _check_certificates(repository)
    readers = _readers(top.object("readers", {}))
    encryption = top.text("encryption", default="s3")
    if not _ENCRYPTION.fullmatch(encryption):
        raise top.wrong("encryption", f"{encryption!r} must be s3, kms, or the ARN of a KMS key")
    if encryption != "s3" and readers.vpc_endpoints:
        raise top.wrong(
            "readers.vpc_endpoints",
            "hosts that come without credentials can't read what a key of KMS encrypts: "
            "give them a role (roles.hosts, readers.role_arns), or take encryption s3",
        )
    name = top.text("name", default="debpress")
    if not guards.NAME.fullmatch(name):
        problem = "must be at most 32 small letters, digits and single hyphens, a letter first"
        raise top.wrong("name", f"{name!r} {problem}")
    architecture = top.one_of("lambda_architecture", tuple(_ARCHITECTURES), "arm64")
    bundle = top.text("gnupg_layer", default=f"layers/gnupg/build/layer-{architecture}.zip")
    found = Settings(
        name=name,
        adopt=_adopted(top.object("adopt", {})),
        repository=repository,
        architecture=architecture,
        python=top.one_of("lambda_python", ("3.11", "3.12", "3.13", "3.14"), NEWEST),
        readers=readers,
        delivery=_delivery(top, region),
        public_uri=top.text("public_uri", _URL, None),
        roles=role_settings.parse(top.object("roles", {}).data, repository, name),
        encryption=encryption,
        key_spec=top.one_of("key_spec", KEY_SPECS, "RSA_4096"),
        multi_region=top.one_of("multi_region", ("true", "false"), "false") == "true",
        prune_hour=top.number("prune_hour", 0, 23, 3),
        log_retention=_RETENTION[top.one_of("log_days", tuple(_RETENTION), "90")],
        alarm_topics=top.texts("alarm_topics", _TOPIC, least=0),
        event_topics=event_settings.parse(top),
        dashboard=top.one_of("dashboard", ("true", "false"), "true") == "true",
        docs_url=top.text("docs_url", _URL, None),
        tls_only=top.one_of("tls_only", ("true", "false"), "true") == "true",
        gnupg_layer=ROOT / bundle,
        replica=replica_settings.parse(top),
        provenance_trust_root=_trust_root(top),
        access_logs=top.number("access_logs", 1, 3650, None),
    )
    if found.access_logs and len(name) > MOST_WITH_LOGS:
        problem = f"the bucket of logs has the name {name!r} in its own, which can be too long: "
        raise top.wrong("access_logs", f"{problem}take a name of {MOST_WITH_LOGS} characters")
    if found.adopt.signing_key and not found.signs_by_own_key:
        raise top.wrong("adopt.signing_key", "is what awskms: means, and no signer is awskms:")
    if found.public_uri and found.delivery and found.delivery.domain:
        raise top.wrong("public_uri", "the address is delivery.domain already; leave one of them")
    return replace(found, repository=_paged(repository, found.delivery))


def _paged(
    repository: config.Repository, delivery: delivery_settings.Delivery | None
) -> config.Repository:
    """The page tells how hosts are set up, so it has to know whether they need a token."""
    asks = delivery is not None and delivery.tokens == delivery_settings.ASK
    page = repository.page
    return replace(repository, page=replace(page, token=True)) if page and asks else repository


def _trust_root(top: ObjectReader) -> Path | None:
    said = top.text("provenance_trust_root", default=None)
    if said is None:
        return None
    try:
        trust.check(file := ROOT / said)
    except ConfigError as error:
        raise top.wrong("provenance_trust_root", str(error)) from error
    return file


def _check_certificates(repository: config.Repository) -> None:
    """Those of uploaders: each can be used, and is one uploader's. Raises ConfigError."""
    owners: dict[str, str] = {}
    for index, uploader in enumerate(repository.uploaders):
        for number, text in enumerate(uploader.certificates):
            key = f"debpress.uploaders[{index}].certificates[{number}]"
            try:
                found = certificates.parse(text.encode())
            except SigningError as error:
                raise ConfigError(f"{key}: {error}") from error
            for each in found:
                owner = owners.setdefault(each.fingerprint, uploader.name)
                if owner != uploader.name:
                    raise ConfigError(f"{key}: {each.fingerprint} is {owner}'s as well")


def _delivery(top: ObjectReader, region: str | None) -> delivery_settings.Delivery | None:
    if "delivery" not in top.data:
        return None
    return delivery_settings.parse(top.object("delivery"), region)


def _adopted(entry: ObjectReader) -> Adopted:
    adopted = Adopted(
        entry.text("bucket", replica_settings.BUCKET, None), entry.text("signing_key", _KEY, None)
    )
    entry.done()
    return adopted


def _readers(entry: ObjectReader) -> Readers:
    readers = Readers(
        entry.texts("vpc_endpoints", replica_settings.VPC_ENDPOINT, least=0),
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
        found[key] = name.lower() if key in ("dashboard", "multi_region", "tls_only") else name
    return found
