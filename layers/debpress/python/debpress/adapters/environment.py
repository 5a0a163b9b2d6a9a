"""A Lambda function's environment variables and configuration, read once a sandbox.

docs/architecture.md, "The functions' environment", lists the variables and says where
repository.json is. Only the handlers use this module; no other code reads the environment.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache, partial
from importlib import resources
from typing import Any

from debpress import config, metrics
from debpress.adapters import aws, s3
from debpress.clock import Clock, SystemClock
from debpress.errors import ConfigError
from debpress.steps.services import Services
from debpress.store import Store


@dataclass(frozen=True, slots=True)
class Environment:
    """`kms_key` is the ARN of the key that a bare `awskms:` means; only sign is given it.
    `state_machine` is the workflow's ARN, and `uri` where hosts find the root; only the
    function of set-up is given these. Each is None in the other functions."""

    bucket: str
    store: Store
    repository: config.Repository
    clock: Clock
    kms_key: str | None = None
    state_machine: str | None = None
    uri: str | None = None

    @property
    def services(self) -> Services:
        """The services that the steps are given; metrics go to the log."""
        return Services(self.store, self.repository, self.clock, partial(measure, self))


@cache
def environment() -> Environment:
    """The function's environment. Raises ConfigError when some of it is missing."""
    bucket = os.environ.get("DEBPRESS_BUCKET")
    if not bucket:
        raise ConfigError("DEBPRESS_BUCKET is not set: the function needs its bucket's name")
    return Environment(
        bucket=bucket,
        store=s3.S3Store(s3.client(), bucket),
        repository=repository(),
        clock=SystemClock(),
        kms_key=os.environ.get("DEBPRESS_KMS_KEY") or None,
        state_machine=os.environ.get("DEBPRESS_STATE_MACHINE") or None,
        uri=os.environ.get("DEBPRESS_URI") or None,
    )


@cache
def kms() -> Any:
    """The KMS client, for the one function that signs."""
    return aws.client("kms")


def repository() -> config.Repository:
    """The configuration, which the deployment has put into a layer. Raises ConfigError."""
    try:
        text = resources.files("debpress_repository").joinpath("repository.json").read_text("utf-8")
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise ConfigError(
            "debpress_repository/repository.json is not there: is the configuration's layer "
            "attached to this function?"
        ) from error
    try:
        data = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"debpress_repository/repository.json is not JSON: {error}") from error
    return config.parse(data)


def measure(env: Environment, suite: str | None, /, **values: float) -> None:
    """Writes values of metrics to the function's log, of a suite or of the whole repository.

    A value that is written twice counts twice in a sum. The line is printed and not logged: Lambda
    passes printed lines on unchanged (Lambda developer guide, "Log and monitor Python Lambda
    functions"), but wraps logged ones into an object, from which CloudWatch takes no metric.
    """
    print(json.dumps(metrics.line(env.clock.now(), env.bucket, suite, values)), flush=True)
