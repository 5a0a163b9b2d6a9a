"""Runs ministack, the AWS emulator, as a process that listens on the loopback interface.

ministack has a virtual environment of its own: it pins a version of botocore, and the functions
that it runs can import the packages of its interpreter. So only packages that Lambda's runtimes
have as well are installed there.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local import paths, processes
from local.errors import LocalError

REGION = "us-east-1"
# The credentials of the emulator's root user, to whom everything is allowed.
ACCESS_KEY_ID = "test"
SECRET_ACCESS_KEY = "test"  # noqa: S105 (an emulator's)

START_SECONDS = 60.0
_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator. `log` is the file of the output of the emulator and of its functions."""

    port: int
    directory: Path
    log: Path
    process: subprocess.Popen[str]

    @property
    def endpoint(self) -> str:
        return f"http://{_HOST}:{self.port}"

    def check(self) -> None:
        """Raises LocalError, with the end of the log, when the emulator has ended by itself."""
        if (code := self.process.poll()) is not None:
            tail = self.log.read_text(errors="replace")[-3000:]
            raise LocalError(f"The emulator ended with {code}. Its last words:\n{tail}")


@contextmanager
def running(port: int | None = None, *, enforce: bool = False) -> Iterator[Emulator]:
    """Starts an empty emulator; on leaving, ends it and removes all its files.

    If this process is killed, the emulator notices, and does both by itself (orphan.py). With
    `enforce` it checks credentials, and the policies of roles, users, buckets and keys. Raises
    LocalError when the port is taken or the emulator does not start.
    """
    port = _free(port)
    paths.RUNS.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="run-", dir=paths.RUNS))
    log = directory / "emulator.log"
    process = None
    # Only this process has the writing end of the pipe. When the process ends, however it ends, the
    # kernel closes that end, and the emulator, which reads the pipe, notices. What it has read
    # until then is the name of the folder to remove.
    reading, lifeline = os.pipe()
    os.write(lifeline, os.fsencode(directory))
    try:
        with log.open("w") as output, os.fdopen(reading) as theirs:
            process = subprocess.Popen(
                [
                    str(paths.EMULATOR_VENV / "bin/python"),
                    str(Path(__file__).with_name("enforcing.py" if enforce else "launch.py")),
                ],
                env={**_environment(port, directory), "AUTH": str(enforce).lower()},
                cwd=directory,
                stdin=theirs,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        emulator = Emulator(port, directory, log, process)
        _await(emulator)
        yield emulator
    finally:
        if process is not None:
            processes.stop(process)
        os.close(lifeline)
        shutil.rmtree(directory, ignore_errors=True)
        with contextlib.suppress(OSError):
            paths.RUNS.rmdir()


def _free(port: int | None) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port or 0))
        except OSError as error:
            raise LocalError(
                f"Port {port} can't be used ({error.strerror}): choose another with PORT="
            ) from error
        return int(probe.getsockname()[1])


def _environment(port: int, directory: Path) -> dict[str, str]:
    """The emulator's environment variables: few, because its functions inherit them."""
    temporary = directory / "tmp"
    temporary.mkdir()
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": str(directory),
        "TMPDIR": str(temporary),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": _HOST,
        # The host name in URLs that it hands out, such as those for custom resources' responses.
        "MINISTACK_HOST": _HOST,
        "MINISTACK_REGION": REGION,
        "STATE_DIR": str(directory / "state"),
        "S3_DATA_DIR": str(directory / "s3"),
        # No listeners for services that are not used here.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "INFO",
        "PYTHONUNBUFFERED": "1",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": _HOST,
    }


def _await(emulator: Emulator) -> None:
    deadline = time.monotonic() + START_SECONDS
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline:
        emulator.check()
        with contextlib.suppress(OSError):
            direct.open(f"{emulator.endpoint}/_ministack/health", timeout=5).close()
            return
        time.sleep(0.1)
    raise LocalError(f"The emulator did not answer within {START_SECONDS:g} s")
