"""An S3 server on this machine, which keeps its objects on the disk: SeaweedFS.

The emulator of the tests keeps all in memory, and answers a copy without copying, so that seconds
upon it say nothing.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local import paths, processes
from local.errors import LocalError

ACCESS_KEY_ID, SECRET_ACCESS_KEY, REGION = "benchmarks", "of-this-machine-alone", "us-east-1"

_PROGRAM = paths.LOCAL / "benchmarks" / "bin" / "weed"
_START_SECONDS = 60.0
_IDENTITY = {
    "name": "benchmarks",
    "credentials": [{"accessKey": ACCESS_KEY_ID, "secretKey": SECRET_ACCESS_KEY}],
    "actions": ["Admin", "Read", "List", "Tagging", "Write"],
}


@dataclass(frozen=True, slots=True)
class S3Server:
    """A server that runs."""

    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead a program to it, and nothing of AWS's from this process."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        return {
            **kept,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
            config=Config(proxies={}),
        )

    def make_bucket(self, name: str) -> str:
        self.client().create_bucket(Bucket=name)
        return name


@contextmanager
def running() -> Iterator[S3Server]:
    """A server with a folder of its own below `.local`; both are gone on leaving.

    Raises LocalError when it does not start.
    """
    paths.RUNS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=paths.RUNS, prefix="s3-") as folder:
        port, *others = _free_ports(8)
        configuration = Path(folder, "s3.json")
        configuration.write_text(json.dumps({"identities": [_IDENTITY]}))
        log = Path(folder, "log")
        command = _command(Path(folder), configuration, port, others)
        with log.open("w") as out, ExitStack() as held:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, text=True,
                start_new_session=True, cwd=folder,
            )  # fmt: skip
            held.callback(processes.stop, process)
            server = S3Server(f"http://127.0.0.1:{port}")
            _wait(server, process, log)
            yield server


def _command(folder: Path, configuration: Path, port: int, others: list[int]) -> list[str]:
    master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3_grpc = others
    return [
        str(_PROGRAM), "-logtostderr=true", "-v=0",
        "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        f"-master.port={master}", f"-master.port.grpc={master_grpc}",
        "-master.volumeSizeLimitMB=1024", "-master.volumePreallocate=false",
        "-master.telemetry=false",
        f"-volume.port={volume}", f"-volume.port.grpc={volume_grpc}", "-volume.max=200",
        "-filer", f"-filer.port={filer}", f"-filer.port.grpc={filer_grpc}",
        "-s3", f"-s3.port={port}", f"-s3.port.grpc={s3_grpc}", "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-s3.config={configuration}", "-s3.ip.bind=127.0.0.1",
    ]  # fmt: skip


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens at now."""
    with ExitStack() as held:
        found = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in found:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in found]


def _wait(server: S3Server, process: subprocess.Popen[str], log: Path) -> None:
    """Until a bucket can be made: the server answers before its volumes are there."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if _answers(server.endpoint):
            return
        time.sleep(0.1)
    raise LocalError(f"the S3 server did not start:\n{log.read_text()[-2000:]}")


def _answers(endpoint: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(endpoint, timeout=2).close()
    except urllib.error.HTTPError as error:
        return error.code == 403
    except OSError:
        return False
    return True
