"""Reads the configuration `delivery`: the distribution in front of the bucket. Uses no construct.

The two rules on certificates are CloudFront's (developer guide, "Requirements for using SSL/TLS
certificates with CloudFront"): one of ACM must be in us-east-1, wherever the bucket is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from debpress.strict import ObjectReader

from .replica_settings import BUCKET

_PLACE = "us-east-1"
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})+")
_CERTIFICATE = re.compile(rf"arn:aws:acm:{_PLACE}:\d{{12}}:certificate/[0-9a-f-]{{36}}")
_ZONE = re.compile(r"Z[0-9A-Z]{1,31}")
_DISTRIBUTION = re.compile(r"E[0-9A-Z]{6,31}")
_PREFIX = re.compile(r"[\w.-][\w./-]{0,254}/")


# Of read credentials: none; the store of them, so that hosts can get theirs; and asked for.
NO_TOKENS, PREPARE, ASK = "none", "prepare", "ask"


@dataclass(frozen=True, slots=True)
class Logs:
    """The bucket, by its name, and the prefix below which requests are logged."""

    bucket: str
    prefix: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """`certificate` is an ARN; None with a domain means that one is made, checked by the hosted
    zone. `zone` is the id of the hosted zone that gets the domain's records. `distribution` is the
    id of the one distribution that may read; without it, every one of the account may. `tokens`
    says whether hosts are asked for read credentials."""

    domain: str | None = None
    certificate: str | None = None
    zone: str | None = None
    logs: Logs | None = None
    distribution: str | None = None
    tokens: str = NO_TOKENS


def parse(entry: ObjectReader, region: str | None) -> Delivery:
    """Reads the object `delivery`. `region` is where the stacks are deployed, None if that is not
    known. Raises ConfigError naming the key."""
    delivery = Delivery(
        entry.text("domain", _DOMAIN, None),
        entry.text("certificate", _CERTIFICATE, None),
        entry.text("hosted_zone", _ZONE, None),
        _logs(entry.object("logs")) if "logs" in entry.data else None,
        entry.text("distribution", _DISTRIBUTION, None),
        entry.one_of("tokens", (NO_TOKENS, PREPARE, ASK), NO_TOKENS),
    )
    entry.done()
    if delivery.domain is None:
        for key in ("certificate", "hosted_zone"):
            if key in entry.data:
                raise entry.wrong(key, "is a domain's: name it as delivery.domain")
    elif delivery.certificate is None:
        make = f"make one there (aws acm request-certificate --region {_PLACE}) and give its ARN"
        if delivery.zone is None:
            problem = f"a domain takes a certificate of ACM in {_PLACE}: {make}"
            raise entry.wrong("certificate", problem)
        if region != _PLACE:
            here = f"these stacks are in {region}" if region else "where these stacks go is unknown"
            raise entry.wrong(
                "certificate",
                f"CloudFront takes one in {_PLACE} alone, and {here} (CDK_DEFAULT_REGION): {make}",
            )
    return delivery


def _logs(entry: ObjectReader) -> Logs:
    logs = Logs(entry.text("bucket", BUCKET), entry.text("prefix", _PREFIX, ""))
    entry.done()
    return logs
