"""A Lambda function's environment variables and configuration, read once a sandbox.

docs/architecture.md, "The functions' environment", lists the variables and says where
repository.json is. Only the handlers use this module; no other code reads the environment.
"""

from __future__ import annotations

import json
import os
import pkgutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

from debpress import config, metrics
from debpress.adapters import s3
from debpress.adapters.workflow import tell
from debpress.clock import Clock, SystemClock
from debpress.errors import ConfigError
from debpress.steps.services import Services, Tell
from debpress.store import Store

if TYPE_CHECKING:
    from debpress.provenance.proof import Verifier


@dataclass(frozen=True, slots=True)
class Second:
    """The bucket that follows, and its Region."""

    bucket: str
    region: str


def deployed_verifier() -> Verifier:
    """By the trust root in the function's layer. Raises ConfigError."""
    from debpress.adapters import sigstore  # noqa: PLC0415 (where a suite's policy asks for it)

    return sigstore.deployed()


@dataclass(frozen=True, slots=True)
class Environment:
    """`kms_key` is the ARN of the key that a bare `awskms:` means; only sign is given it.
    `state_machine` is the workflow's ARN; only the function of set-up is given it. `uri` is where
    hosts find the root; that one and `page` are given it, and `finish` where suites of a pattern
    may come. `replica` is the bucket that the mirror
    writes. `silence` is for how many seconds S3 may say nothing. Each is None in the other
    functions."""

    bucket: str
    store: Store
    repository: config.Repository
    clock: Clock
    kms_key: str | None = None
    state_machine: str | None = None
    uri: str | None = None
    replica: Second | None = None
    silence: int | None = None
    tell: Tell = tell
    verifier: Callable[[], Verifier] = deployed_verifier

    @property
    def services(self) -> Services:
        """The services that the steps are given; metrics go to the log, and Step Functions wakes
        who waits."""
        noting = partial(measure, self)
        return Services(self.store, self.repository, self.clock, noting, self.tell, self.verifier)


@cache
def environment() -> Environment:
    """The function's environment. Raises ConfigError when some of it is missing."""
    bucket = os.environ.get("DEBPRESS_BUCKET")
    if not bucket:
        raise ConfigError("DEBPRESS_BUCKET is not set: the function needs its bucket's name")
    said, replica = os.environ.get("DEBPRESS_SILENCE"), os.environ.get("DEBPRESS_REPLICA")
    silence = int(said) if said else None
    return Environment(
        bucket=bucket,
        store=s3.S3Store(s3.client(silence=silence), bucket),
        repository=repository(),
        clock=SystemClock(),
        kms_key=os.environ.get("DEBPRESS_KMS_KEY") or None,
        state_machine=os.environ.get("DEBPRESS_STATE_MACHINE") or None,
        uri=os.environ.get("DEBPRESS_URI") or None,
        replica=Second(replica, os.environ["DEBPRESS_REPLICA_REGION"]) if replica else None,
        silence=silence,
    )


def prepare(*clients: Callable[[Environment], object]) -> None:
    """Reads the environment and makes `clients`, as the last thing that a handler's module does:
    clients of AWS, and the parts of the archive that each call of the function uses, which are
    imported thereby.

    Lambda imports the module before the first call, when it is seen to give a whole processor to
    functions whose memory buys less. What is wrong is left to the call, which finds it again: there
    it is logged, and named to the workflow. Other programs import handlers, too; so outside of
    Lambda this does nothing.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        with suppress(Exception):
            for client in (lambda env: env, *clients):
                client(environment())


def repository() -> config.Repository:
    """The configuration, which the deployment has put into a layer. Raises ConfigError."""
    try:
        # Not by importlib.resources, whose import takes as long as the rest of this function.
        text = pkgutil.get_data("debpress_repository", "repository.json")
    except FileNotFoundError:
        text = None
    if text is None:
        raise ConfigError(
            "debpress_repository/repository.json is not there: is the configuration's layer "
            "attached to this function?"
        )
    try:
        data = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"debpress_repository/repository.json is not JSON: {error}") from error
    return config.parse(data)


def measure(env: Environment, suite: str | None, /, **values: float) -> None:
    """Writes values to the function's log, of a suite or of the whole repository.

    A value that is written twice counts twice in a sum. The line is printed and not logged: Lambda
    passes printed lines on unchanged (Lambda developer guide, "Log and monitor Python Lambda
    functions"), but wraps logged ones into an object, from which CloudWatch takes no metric.
    """
    _say(env, suite, values)


def begin_to_measure(env: Environment) -> None:
    """Says first values of what rings where it is silent: its alarms count from here."""
    _say(
        env,
        None,
        dict.fromkeys(("PrunesAsked", "ObjectsLeftOver", "SecondsWaiting"), 0),
        first=True,
    )


def _say(
    env: Environment, suite: str | None, values: Mapping[str, float], *, first: bool = False
) -> None:
    line = metrics.line(env.clock.now(), env.bucket, suite, values, first=first)
    print(json.dumps(line), flush=True)
