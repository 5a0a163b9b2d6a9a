"""KMS's import of key material, beside what `FakeKms` does: CreateKey with Origin EXTERNAL,
GetParametersForImport, ImportKeyMaterial, as the KMS API reference and developer guide have them.
"""

from __future__ import annotations

import base64
import functools
import json
import time
from typing import Any

from botocore.awsrequest import AWSResponse
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap_with_padding
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
)

from tests.support import fake_kms
from tests.support.fake_kms import FakeKms, Private

_OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


@functools.cache
def _wrapping_key() -> rsa.RSAPrivateKey:
    """One for all tests: it takes seconds to make."""
    return rsa.generate_private_key(public_exponent=65537, key_size=4096)


class ExternalKms(FakeKms):
    """`requests` has every body that was sent. `slow` public keys are refused at first."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.requests: list[bytes] = []
        self.slow = 0
        self._tokens: dict[str, bytes] = {}

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        self.requests.append(request.body)
        ours = {
            "CreateKey": self._create_key,
            "GetParametersForImport": self._parameters,
            "ImportKeyMaterial": self._import,
        }.get(operation)
        if operation == "GetPublicKey" and self.slow:
            self.slow -= 1
            return _response(request, "KMSInvalidStateException", 409)
        if ours is None:
            return super()._answer(request)
        self.calls[operation] += 1
        if operation in self.denied:
            return _response(request, "AccessDeniedException", 400)
        if self._faults:
            return _response(request, str(self._faults.pop(0)), 400)
        try:
            answer = ours(json.loads(request.body))
        except fake_kms._Refused as refused:
            return _response(request, refused.code, 400)
        return _response(request, None, 200, answer)

    def _create_key(self, asked: dict[str, Any]) -> dict[str, Any]:
        external = asked.get("Origin") == "EXTERNAL"
        assert external and asked["KeyUsage"] == "SIGN_VERIFY"
        nothing: Any = object()
        arn = self.create_key(asked["KeySpec"], private=nothing, regions=asked["MultiRegion"])
        self.state(arn, "PendingImport")
        return {"KeyMetadata": {"Arn": arn, "KeyId": arn.rpartition("/")[2]}}

    def replica(self, arn: str, region: str) -> str:
        """What ReplicateKey makes: the same id elsewhere, without key material."""
        nothing: Any = object()
        made = arn.replace(f":{fake_kms.REGION}:", f":{region}:")
        self._keys[made] = fake_kms.Key(made, self._keys[arn].spec, "SIGN_VERIFY", nothing)
        self.state(made, "PendingImport")
        self.regions.add(region)
        return made

    def _parameters(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["WrappingAlgorithm"] != "RSA_AES_KEY_WRAP_SHA_256":
            raise fake_kms._Refused("ValidationException")
        assert asked["WrappingKeySpec"] == "RSA_4096"
        token = b"token of " + asked["KeyId"].encode()
        self._tokens[asked["KeyId"]] = token
        public = _wrapping_key().public_key()
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return {
            "KeyId": asked["KeyId"],
            "ImportToken": base64.b64encode(token).decode(),
            "PublicKey": base64.b64encode(der).decode(),
            "ParametersValidTo": time.time() + 86_400,
        }

    def _import(self, asked: dict[str, Any]) -> dict[str, Any]:
        arn = asked["KeyId"]
        if base64.b64decode(asked["ImportToken"]) != self._tokens.get(arn):
            raise fake_kms._Refused("InvalidImportTokenException")
        assert asked["ExpirationModel"] == "KEY_MATERIAL_DOES_NOT_EXPIRE"
        wrapped = base64.b64decode(asked["EncryptedKeyMaterial"])
        try:
            once = _wrapping_key().decrypt(wrapped[:512], _OAEP)
            private = load_der_private_key(aes_key_unwrap_with_padding(once, wrapped[512:]), None)
        except (ValueError, InvalidUnwrap) as error:
            raise fake_kms._Refused("InvalidCiphertextException") from error
        key = self._keys[arn]
        if _spec(private) != key.spec:
            raise fake_kms._Refused("IncorrectKeyMaterialException")
        key.private = private  # type: ignore[assignment]
        self.state(arn, "Enabled")
        return {}


def _spec(private: Any) -> str:
    if isinstance(private, rsa.RSAPrivateKey):
        return f"RSA_{private.key_size}"
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return {"secp256r1": "ECC_NIST_P256", "secp384r1": "ECC_NIST_P384"}[private.curve.name]
    assert isinstance(private, ed25519.Ed25519PrivateKey)
    return "ECC_NIST_EDWARDS25519"


def _response(
    request: Any, code: str | None, status: int, answer: dict[str, Any] | None = None
) -> AWSResponse:
    body = json.dumps({"__type": code, "message": "injected"} if code else answer).encode()
    headers: Any = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": "fake"}
    return AWSResponse(request.url, status, headers, fake_kms._Raw(body))


__all__ = ["ExternalKms", "Private"]
