"""KMS's GetPublicKey and Sign, behind a real boto3 client, down to the HTTP answer.

Requests are checked, serialised and their answers parsed by botocore itself; in between, this
does what the KMS API reference says of the two operations, with real keys. A DIGEST is signed as
it is, Ed25519 takes RAW alone, and what KMS refuses is refused by the same name and status.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from debpress.adapters.kms import KmsService

REGION = "eu-central-1"
ACCOUNT = "111122223333"

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_RSA = ("RSA_2048", "RSA_3072", "RSA_4096")
_CURVES: dict[str, Callable[[], ec.EllipticCurve]] = {
    "ECC_NIST_P256": ec.SECP256R1,
    "ECC_NIST_P384": ec.SECP384R1,
    "ECC_NIST_P521": ec.SECP521R1,
    "ECC_SECG_P256K1": ec.SECP256K1,
}
_ED25519 = "ECC_NIST_EDWARDS25519"

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}

_PKCS1 = tuple(f"RSASSA_PKCS1_V1_5_SHA_{bits}" for bits in _HASHES)
_PSS = tuple(f"RSASSA_PSS_SHA_{bits}" for bits in _HASHES)

ALGORITHMS = {
    **dict.fromkeys(_RSA, (*_PSS, *_PKCS1)),
    "ECC_NIST_P256": ("ECDSA_SHA_256",),
    "ECC_NIST_P384": ("ECDSA_SHA_384",),
    "ECC_NIST_P521": ("ECDSA_SHA_512",),
    "ECC_SECG_P256K1": ("ECDSA_SHA_256",),
    _ED25519: ("ED25519_SHA_512", "ED25519_PH_SHA_512"),
}

_STATUS = {
    "DependencyTimeoutException": 503,
    "DisabledException": 409,
    "KMSInternalException": 500,
    "KMSInvalidStateException": 409,
    "KeyUnavailableException": 500,
}


@dataclass
class Key:
    """One key. `state` is KMS's own word for it."""

    arn: str
    spec: str
    usage: str
    private: Private
    state: str = "Enabled"


class _Refused(Exception):  # noqa: N818 (an answer)
    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message)
        self.code = code


class FakeKms:
    """A region's KMS. `calls` counts what was asked, `messages` lists what was signed.

    Curve keys come from `seed`, and ECDSA's nonces from what is signed (RFC 6979), so that a test
    sees the same signatures every time; RSA keys are new each time.
    """

    def __init__(self, seed: int = 0) -> None:
        self.calls: Counter[str] = Counter()
        self.messages: list[bytes] = []
        self.denied: set[str] = set()
        self.tamper: Callable[[bytes], bytes] = lambda signature: signature
        self._random = random.Random(seed)
        self._keys: dict[str, Key] = {}
        self._aliases: dict[str, str] = {}
        self._faults: list[str | Exception] = []
        self.regions = {None, REGION}

    # What an administrator does

    def create_key(
        self,
        spec: str = "ECC_NIST_P256",
        usage: str = "SIGN_VERIFY",
        private: Private | None = None,
        *,
        regions: bool = False,
    ) -> str:
        """A new key's ARN; `private` where the test has one already, `regions` where it can have
        replicas."""
        made = uuid.UUID(int=self._random.getrandbits(128), version=4)
        name = f"mrk-{made.hex}" if regions else made
        arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{name}"
        self._keys[arn] = Key(arn, spec, usage, private or self._generate(spec))
        return arn

    def alias(self, name: str, arn: str) -> None:
        """Points `alias/<name>` at a key."""
        self._aliases[f"alias/{name}"] = arn

    def state(self, arn: str, state: str) -> None:
        """`Enabled`, `Disabled`, `PendingDeletion` and the like."""
        self._keys[arn].state = state

    def private(self, arn: str) -> Private:
        return self._keys[arn].private

    def fail(self, *faults: str | Exception) -> None:
        """The next requests end so: with an error code of KMS, or an exception on the wire."""
        self._faults += faults

    # What a client sees

    def client(self) -> Any:
        """A boto3 client of this KMS, which tries nothing twice."""
        client = boto3.client(
            "kms",
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
        )
        client.meta.events.register("before-send.kms", self._answer)
        return client

    def service(self, region: str | None = None) -> KmsService:
        """The real adapter upon it; also what `signing.load` takes as its `kms`."""
        assert region in self.regions, f"no KMS in {region}"
        return KmsService(self.client())

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        asked = json.loads(request.body)
        self.calls[operation] += 1
        try:
            if self._faults:
                fault = self._faults.pop(0)
                if isinstance(fault, Exception):
                    raise fault
                raise _Refused(fault, "injected")
            if operation in self.denied:
                raise _Refused("AccessDeniedException", f"not authorized to perform: {operation}")
            answer = {"GetPublicKey": self._get_public_key, "Sign": self._sign}[operation](asked)
            status = 200
        except _Refused as refused:
            answer = {"__type": refused.code, "message": str(refused)}
            status = _STATUS.get(refused.code, 400)
        body = _Raw(json.dumps(answer).encode())
        headers: Any = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": "fake"}
        return AWSResponse(request.url, status, headers, body)

    def _get_public_key(self, asked: dict[str, Any]) -> dict[str, Any]:
        key = self._found(asked["KeyId"])
        der = key.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        answer: dict[str, Any] = {
            "KeyId": key.arn,
            "PublicKey": base64.b64encode(der).decode(),
            "CustomerMasterKeySpec": key.spec,
            "KeySpec": key.spec,
            "KeyUsage": key.usage,
        }
        if key.usage == "SIGN_VERIFY":
            answer["SigningAlgorithms"] = list(ALGORITHMS[key.spec])
        return answer

    def _sign(self, asked: dict[str, Any]) -> dict[str, Any]:
        key = self._found(asked["KeyId"])
        algorithm, kind = asked["SigningAlgorithm"], asked.get("MessageType", "RAW")
        message = base64.b64decode(asked["Message"])
        if key.usage != "SIGN_VERIFY" or algorithm not in ALGORITHMS[key.spec]:
            raise _Refused("InvalidKeyUsageException", f"{key.spec} does not sign {algorithm}")
        if not 1 <= len(message) <= 4096:
            raise _Refused("ValidationException", "a message has 1 to 4096 bytes")
        if key.spec == _ED25519 and (kind == "DIGEST") != ("_PH_" in algorithm):
            raise _Refused("ValidationException", f"{algorithm} does not take {kind}")
        self.messages.append(message)
        signature = self.tamper(_signature(key, algorithm, kind, message))
        return {
            "KeyId": key.arn,
            "Signature": base64.b64encode(signature).decode(),
            "SigningAlgorithm": algorithm,
        }

    def _found(self, name: str) -> Key:
        if name.startswith("arn:") and ":alias/" in name:
            name = name.rpartition(":")[2]
        if name.startswith("alias/"):
            name = self._aliases.get(name, name)
        elif not name.startswith("arn:"):
            name = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{name}"
        key = self._keys.get(name)
        if key is None:
            raise _Refused("NotFoundException", f"Key '{name}' does not exist")
        if key.state == "Disabled":
            raise _Refused("DisabledException", f"{key.arn} is disabled.")
        if key.state != "Enabled":
            raise _Refused("KMSInvalidStateException", f"{key.arn} is {key.state}.")
        return key

    def _generate(self, spec: str) -> Private:
        if spec in _RSA:
            return rsa.generate_private_key(public_exponent=65537, key_size=int(spec[4:]))
        if spec == _ED25519:
            return ed25519.Ed25519PrivateKey.from_private_bytes(self._random.randbytes(32))
        return ec.derive_private_key(self._random.getrandbits(255) | 1, _CURVES[spec]())


def _signature(key: Key, algorithm: str, kind: str, message: bytes) -> bytes:
    hashing = _HASHES[algorithm.rpartition("_")[2]]
    if isinstance(key.private, ed25519.Ed25519PrivateKey):
        if "_PH_" in algorithm:
            raise NotImplementedError("Ed25519ph is no signature that OpenPGP knows")
        return key.private.sign(message)
    digest = message if kind == "DIGEST" else hashlib.new(hashing.name, message).digest()
    if len(digest) != hashing.digest_size:
        raise _Refused("ValidationException", f"Digest is invalid length for {algorithm}.")
    if isinstance(key.private, ec.EllipticCurvePrivateKey):
        return key.private.sign(digest, ec.ECDSA(Prehashed(hashing), deterministic_signing=True))
    pss = padding.PSS(padding.MGF1(hashing), hashing.digest_size)
    padded = pss if "_PSS_" in algorithm else padding.PKCS1v15()
    return key.private.sign(digest, padded, Prehashed(hashing))


class _Raw(io.BytesIO):
    """What urllib3 would hand to botocore."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        while piece := self.read():
            yield piece
