"""What a Lambda function finds around it, read once and kept while its sandbox is warm.

The variables and the place of repository.json are docs/architecture.md's, "The functions'
environment". Handlers ask here; nothing below them knows of any environment.
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
    """`kms_key` is the ARN that a bare `awskms:` means (sign only), `state_machine` the
    workflow's ARN and `uri` where hosts find the root (set-up only); None in functions that are not
    given them."""

    bucket: str
    store: Store
    repository: config.Repository
    clock: Clock
    kms_key: str | None = None
    state_machine: str | None = None
    uri: str | None = None

    @property
    def services(self) -> Services:
        """What the steps work with; metrics go to the log."""
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
    """The configuration the stacks packed beside the code. Raises ConfigError."""
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

    What is written twice counts twice where a metric is a sum. It is printed, not logged: Lambda
    sends what is printed as it is (Lambda developer guide, "Log and monitor Python Lambda
    functions"), while CloudWatch takes no metric from a line wrapped into another object's message.
    """
    print(json.dumps(metrics.line(env.clock.now(), env.bucket, suite, values)), flush=True)
