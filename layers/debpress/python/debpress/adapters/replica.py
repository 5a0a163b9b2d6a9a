"""The bucket that follows, as the function sees it that has it follow."""

from __future__ import annotations

from functools import cache, partial

from debpress.adapters import s3
from debpress.adapters.copier import BucketCopier
from debpress.adapters.environment import Environment, Second, measure
from debpress.errors import ConfigError
from debpress.steps.replication import Copier, Mirror
from debpress.steps.services import Services
from debpress.store import Store


def mirror_of(env: Environment) -> Mirror:
    """What is copied from where to where. Metrics are the archive's, by whose bucket they are told
    apart. Raises ConfigError when the environment names no bucket that follows."""
    if env.replica is None:
        raise ConfigError("DEBPRESS_REPLICA is not set: the function needs its second bucket")
    store, copier = connected(env.bucket, env.replica, env.silence)
    replica = Services(store, env.repository, env.clock, partial(measure, env))
    return Mirror(env.services, replica, copier)


@cache
def connected(bucket: str, second: Second, silence: int | None) -> tuple[Store, Copier]:
    """By a client of the second Region, made once a sandbox."""
    client = s3.client(region=second.region, silence=silence)
    return s3.S3Store(client, second.bucket), BucketCopier(client, bucket, second.bucket)
