"""Shared by all AWS clients: how they are made, and how their errors become our exceptions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config
from botocore.credentials import CredentialResolver, EnvProvider
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 (botocore's own, no relative of the builtin)
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    UnknownServiceError,
)

from debpress.errors import DebpressError, LeftOutError, StoreError, TransientError

# botocore's own attempts at a call. At worst each takes 5 s to connect and 60 s of silence, with a
# few seconds of backoff in between: under five minutes, of the fifteen that a function may run.
ATTEMPTS = 4
CONNECT_SECONDS = 5
READ_SECONDS = 60

# A connection that could not be made, or that broke while the response was read.
DROPPED = (ConnectionError, HTTPClientError, IncompleteReadError, FlexibleChecksumError)

_ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")

_THROTTLES = frozenset(
    {
        "OperationAborted",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeout",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
# Some services refuse with a status other than 403 (KMS and Step Functions: 400).
_DENIALS = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError"})
_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
    }
)


def client(
    service: str,
    *,
    region: str | None = None,
    endpoint_url: str | None = None,
    connections: int = 32,
    read_seconds: int | None = None,
    attempts: int | None = None,
) -> Any:
    """A botocore client with our time-outs and retries. It is what boto3 makes, too; but the import
    of boto3 brings machinery for uploads that would take a sixth of a function's cold start.

    `connections` is the size of its pool: at least the number of threads that share it. A custom
    endpoint (`endpoint_url`, or AWS's environment variables for it) is an emulator or an appliance.
    DNS knows no host names for its buckets, so they are named in the URL's path.

    Raises LeftOutError for a service whose model is not installed.
    """
    custom = endpoint_url or any(os.environ.get(name) for name in _ENDPOINTS)
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds or READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": attempts or ATTEMPTS},
        max_pool_connections=connections,
        tcp_keepalive=True,
        s3={"addressing_style": "path"} if custom else None,
    )
    try:
        return session().create_client(
            service, region_name=region or own_region(), endpoint_url=endpoint_url, config=config
        )
    except UnknownServiceError as error:
        raise LeftOutError(f"AWS's service {service}") from error


def own_region() -> str | None:
    """Lambda and AWS's other SDKs use AWS_REGION; botocore itself reads AWS_DEFAULT_REGION only."""
    return os.environ.get("AWS_REGION")


@cache
def session() -> Any:
    """The one session: with it, clients share what it has read of models and credentials."""
    made = botocore.session.get_session()
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        # A function's credentials are in its environment. Not looking elsewhere saves a cold start
        # what botocore gets ready for it, as TLS for the metadata of machines and containers.
        made.register_component("credential_provider", CredentialResolver([EnvProvider()]))
    return made


def is_aws(client: Any) -> bool:
    """Whether a client calls AWS, and not an emulator or an appliance."""
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn"))


def status(error: ClientError) -> int:
    """The HTTP status of an error response, 0 where there is none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def code(error: ClientError) -> str:
    """AWS's code of an error (`NoSuchKey`). Of a HEAD, whose response has no body, it is the
    status."""
    return str(error.response.get("Error", {}).get("Code", ""))


def refused(error: DebpressError) -> bool:
    """Whether AWS denied access, in contrast to, say, expired credentials."""
    cause = error.__cause__
    if not isinstance(cause, ClientError):
        return False
    return _denied(cause)


def expired(error: DebpressError) -> bool:
    """Whether AWS no longer accepts the credentials, which others would mend."""
    return isinstance(error.__cause__, ClientError) and code(error.__cause__) in _CREDENTIALS


def answer(error: DebpressError) -> str:
    """AWS's code, of an error that `translated` has made of its answer; else the sentence."""
    cause = error.__cause__
    return code(cause) if isinstance(cause, ClientError) else str(error)


def _denied(error: ClientError) -> bool:
    name = code(error)
    return name in _DENIALS or (status(error) == 403 and name not in _CREDENTIALS)


@contextmanager
def translated(action: str, permission: str) -> Iterator[None]:
    """Turns botocore's exceptions into ours; `action` is a phrase, "read s3://bucket/key".

    `permission` is what to check when AWS refuses. Raises TransientError or StoreError.
    """
    try:
        yield
    except ClientError as error:
        raise _explained(error, action, permission) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise StoreError(
            f"Can't {action}: there are no AWS credentials. Set AWS_PROFILE or "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the job a role."
        ) from error
    except NoRegionError as error:
        raise StoreError(f"Can't {action}: set AWS_REGION, or say --region.") from error
    except DROPPED as error:
        raise TransientError(f"Can't {action}: {error}. Try again.") from error
    except BotoCoreError as error:
        raise StoreError(f"Can't {action}: {error}") from error


def _explained(error: ClientError, action: str, permission: str) -> DebpressError:
    name, number = code(error), status(error)
    said = error.response.get("Error", {}).get("Message", "") or "no message"
    if number >= 500 or number == 429 or name in _THROTTLES:
        return TransientError(f"Can't {action} just now: {name}, {said}. Try again.")
    if name in _CREDENTIALS:
        return StoreError(
            f"Can't {action}: AWS does not accept the credentials ({name}: {said}). Renew them."
        )
    if name == "NoSuchBucket":
        return StoreError(f"Can't {action}: there is no such bucket. Check its name and region.")
    if _denied(error):
        return StoreError(f"Can't {action}: AWS refused ({name}: {said}). Check {permission}.")
    return StoreError(f"Can't {action}: AWS answered {number} {name}: {said}")
