"""The signing package's port to KMS, on botocore."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from debpress.adapters import aws
from debpress.errors import SigningError, StoreError
from debpress.signing.kms import KeyService, KmsKey

# KMS's errors (status 400 or 409) that no retry mends, and what to do about each (KMS API
# reference, "Sign", errors).
_WHAT_TO_DO = {
    "AccessDeniedException": "allow this role {permission} in its policy, and in the key's",
    "DisabledException": "enable the key (aws kms enable-key)",
    "ExpiredImportTokenException": "import again",
    "IncorrectKeyMaterialException": "a key takes back only the material that it had before",
    "InvalidCiphertextException": "import again; if that does not help, this is a fault of ours",
    "InvalidArnException": "correct the key in debpress.signers",
    "InvalidKeyUsageException": "use a key made for SIGN_VERIFY",
    "KMSInvalidStateException": (
        "if it is pending deletion, cancel that (aws kms cancel-key-deletion) and enable it; a "
        "key that is deleted takes every host's trust with it"
    ),
    "NotFoundException": "correct the key in debpress.signers, and check the region",
    "UnsupportedOperationException": "use an asymmetric key made for SIGN_VERIFY",
    "ValidationException": "correct the key in debpress.signers",
}


class KmsService:
    """A `debpress.signing.kms.KeyService` of one region."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def public_key(self, key: str) -> KmsKey:
        with translated(f"read the public key of {key}", "kms:GetPublicKey"):
            answer = self._client.get_public_key(KeyId=key)
        return KmsKey(
            arn=answer["KeyId"],
            spec=answer["KeySpec"],
            usage=answer["KeyUsage"],
            der=answer["PublicKey"],
        )

    def sign(self, key: str, message: bytes, message_type: str, algorithm: str) -> bytes:
        with translated(f"sign with {key}", "kms:Sign"):
            answer = self._client.sign(
                KeyId=key, Message=message, MessageType=message_type, SigningAlgorithm=algorithm
            )
        signature: bytes = answer["Signature"]
        return signature


@cache
def services(endpoint_url: str | None = None) -> Callable[[str | None], KeyService]:
    """A function that returns the service of a region, for `debpress.signing.Keys`.

    Clients are kept from call to call, since making a client takes longer than a signature.
    """

    @cache
    def made(region: str | None) -> KeyService:
        return KmsService(aws.client("kms", region=region, endpoint_url=endpoint_url))

    # A key's ARN names its region, also where that is the function's own.
    return lambda region: made(region or aws.own_region())


@contextmanager
def translated(action: str, permission: str) -> Iterator[None]:
    """Raises TransientError where trying again may help, else SigningError saying what to do."""
    try:
        with aws.translated(action, permission):
            try:
                yield
            except ClientError as error:
                advice = _WHAT_TO_DO.get(aws.code(error))
                if advice is None:
                    raise
                said = error.response.get("Error", {}).get("Message", "") or "no message"
                raise SigningError(
                    f"Can't {action}: KMS answered {aws.code(error)} ({said}); "
                    f"{advice.format(permission=permission)}."
                ) from error
    except StoreError as error:
        raise SigningError(str(error)) from error
