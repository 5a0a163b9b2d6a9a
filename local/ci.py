"""Publishes as a CI job does: `aws s3 cp` of packages and then the manifest; reads the result."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from debpress.layout import Batch

from local import deployment, paths, processes
from local.errors import LocalError
from local.stack import Outputs


class Ci:
    """A CI job's access to the repository by the `aws` command: writes staging, reads results."""

    def __init__(self, outputs: Outputs) -> None:
        self.outputs = outputs
        self._s3 = deployment.client(outputs.endpoint_url, "s3")
        kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        self.environment = {
            **kept,
            "AWS_ENDPOINT_URL": outputs.endpoint_url,
            "AWS_REGION": outputs.region,
            "AWS_DEFAULT_REGION": outputs.region,
            "AWS_ACCESS_KEY_ID": outputs.access_key_id,
            "AWS_SECRET_ACCESS_KEY": outputs.secret_access_key,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    def aws(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the real `aws`. Raises LocalError when it fails."""
        return processes.run([paths.BIN / "aws", *arguments], environment=self.environment)

    def uri(self, suite: str, component: str, batch: str, name: str = "") -> str:
        return f"s3://{self.outputs.bucket}/{Batch(suite, component, batch).staging}{name}"

    def copy(self, files: Sequence[Path], suite: str, component: str, batch: str) -> None:
        """`aws s3 cp` of each file, in the order given."""
        for file in files:
            self.aws("s3", "cp", "--quiet", str(file), self.uri(suite, component, batch, file.name))

    def copy_folder(self, folder: Path, suite: str, component: str, batch: str) -> None:
        """`aws s3 cp --recursive` of the packages of a folder, which is quicker for many files."""
        self.aws(
            "s3", "cp", "--quiet", "--recursive", "--exclude", "*", "--include", "*.deb",
            str(folder), self.uri(suite, component, batch),
        )  # fmt: skip

    def result_key(self, suite: str, component: str, batch: str) -> str:
        return Batch(suite, component, batch).result

    def etag(self, suite: str, component: str, batch: str, name: str) -> str:
        """The ETag of a staged object without quotes, as in results."""
        key = f"{Batch(suite, component, batch).staging}{name}"
        return str(self._s3.head_object(Bucket=self.outputs.bucket, Key=key)["ETag"]).strip('"')

    def result(self, suite: str, component: str, batch: str) -> dict[str, Any] | None:
        """The current result of a batch, None where there is none."""
        key = self.result_key(suite, component, batch)
        try:
            body = self._s3.get_object(Bucket=self.outputs.bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise
        found: dict[str, Any] = json.loads(body)
        return found

    def wait(
        self, suite: str, component: str, batch: str, etag: str, seconds: float = 60.0
    ) -> dict[str, Any]:
        """Waits for the result of the manifest of this ETag. Raises LocalError after `seconds`."""
        deadline = time.monotonic() + seconds
        found = None
        while time.monotonic() < deadline:
            found = self.result(suite, component, batch)
            if found is not None and str(found["manifest"]["etag"]).strip('"') == etag:
                return found
            time.sleep(0.1)
        last = "none at all" if found is None else f"only that of manifest {found['manifest']}"
        raise LocalError(
            f"{self.result_key(suite, component, batch)}: no result of manifest {etag} "
            f"within {seconds:g} s, {last}"
        )


def sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def manifest_json(files: Sequence[Path]) -> str:
    entries = [{"name": f.name, "sha256": sha256(f), "size": f.stat().st_size} for f in files]
    return json.dumps({"version": 1, "files": entries}, indent=1) + "\n"
