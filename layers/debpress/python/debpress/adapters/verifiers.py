"""Runs gpgv and sqv, the programs by which hosts verify a signature, if this machine has them."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from debpress.errors import SigningError

NAMES = ("gpgv", "sqv")
_SECONDS = 60


def judge(name: str, certificates: bytes, signature: bytes, data: bytes) -> bool:
    """Verifies a detached binary `signature` of `data` by a program; False if it is not installed.

    `certificates` are binary. Raises SigningError with the program's message if it refuses.
    """
    program = shutil.which(name)
    if program is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, part) for part in ("keyring", "signature", "data")]
        for file, content in zip(files, (certificates, signature, data), strict=True):
            file.write_bytes(content)
        keyring, signed, text = map(str, files)
        command = [program, "--keyring", keyring, *_option(name, program), signed, text]
        done = run(command)
    if done.returncode:
        said = f"{done.stdout} {done.stderr}".strip()[-500:]
        raise SigningError(f"{name} refuses the signature: {said}")
    return True


def _option(name: str, program: str) -> list[str]:
    """The arguments before the signature's path: from version 1.2 on sqv takes it by an option."""
    new = name == "sqv" and "--signature-file" in run([program, "--help"]).stdout
    return ["--signature-file"] if new else []


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Raises SigningError where the program can't be run, or does not end."""
    try:
        return subprocess.run(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SigningError(f"{command[0]} does not run here: {error}") from error
