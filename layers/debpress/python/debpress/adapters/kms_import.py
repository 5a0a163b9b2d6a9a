"""The port to KMS of `debpress key import`, on botocore."""

from __future__ import annotations

from typing import Any

from debpress.adapters.kms import translated
from debpress.keys.importing import Wrapping


class KmsImport:
    """A `debpress.keys.importing.ImportService` of one region."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def create(self, spec: str, description: str, *, multi_region: bool = False) -> str:
        with translated(f"make a key of {spec}", "kms:CreateKey"):
            answer = self._client.create_key(
                Origin="EXTERNAL",
                KeySpec=spec,
                KeyUsage="SIGN_VERIFY",
                Description=description,
                MultiRegion=multi_region,
            )
        arn: str = answer["KeyMetadata"]["Arn"]
        return arn

    def wrapping(self, key: str) -> Wrapping:
        with translated(f"prepare an import into {key}", "kms:GetParametersForImport"):
            answer = self._client.get_parameters_for_import(
                KeyId=key,
                WrappingAlgorithm="RSA_AES_KEY_WRAP_SHA_256",
                WrappingKeySpec="RSA_4096",
            )
        return Wrapping(answer["PublicKey"], answer["ImportToken"])

    def put(self, key: str, token: bytes, wrapped: bytes) -> None:
        with translated(f"import into {key}", "kms:ImportKeyMaterial"):
            self._client.import_key_material(
                KeyId=key,
                ImportToken=token,
                EncryptedKeyMaterial=wrapped,
                ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
            )
