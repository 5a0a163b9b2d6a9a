"""Reads the setting `replica`: the second Region, and who reads there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from debpress.strict import ObjectReader

REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
VPC_ENDPOINT = re.compile(r"vpce-[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class Replica:
    """`bucket` is None where the stack makes up its name. `vpc_endpoints` are the second Region's
    own; roles read in both."""

    region: str
    bucket: str | None = None
    vpc_endpoints: tuple[str, ...] = ()


def parse(top: ObjectReader) -> Replica | None:
    """None where no replica is asked for. Raises ConfigError naming the key."""
    if "replica" not in top.data:
        return None
    entry = top.object("replica")
    found = Replica(
        entry.text("region", REGION),
        entry.text("bucket", BUCKET, None),
        entry.texts("vpc_endpoints", VPC_ENDPOINT, least=0),
    )
    entry.done()
    if top.data.get("encryption", "s3") != "s3":
        problem = (
            "a bucket that a key of KMS encrypts is not followed by a stack: the replica would "
            "need a key of its Region; take encryption s3, or call `debpress mirror` yourself"
        )
        raise top.wrong("replica", problem)
    return found
