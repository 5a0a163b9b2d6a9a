"""The signing package's port to gpg, on python-gnupg, with the passphrase from Secrets Manager.

For each signature a gpg home is made, and afterwards its agent is stopped and the home removed, so
that a warm Lambda function holds no unlocked key between two calls.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import gnupg
from botocore.exceptions import ClientError

from debpress.adapters import aws
from debpress.errors import ConfigError, SigningError, StoreError
from debpress.signing.gnupg import Order

_AGENT_SECONDS = 10.0

# A fixed count, because else each agent spends a second of CPU on measuring how many rounds this
# machine can do. It is low, since it protects only the copy of the key in this temporary home.
_AGENT_CONF = "s2k-count 65536\n"
_TAIL = 600

# The agent's socket is in the home, and a socket's path may have 107 bytes (unix(7)). Homes are not
# below TMPDIR, which may be too long.
_HOMES = "/tmp"  # noqa: S108  # nosec B108

_ARN = re.compile(r"arn:[a-z0-9-]+:secretsmanager:([a-z0-9-]+):.+")

# No file of options; no comment, version or user id in the signature; SHA-512 whatever the key
# prefers; and gpg is to use an imported key without asking whether it is trusted.
_OPTIONS = [
    "--no-options",
    "--no-tty",
    "--no-auto-check-trustdb",
    "--trust-model=always",
    "--no-comments",
    "--no-emit-version",
    "--disable-signer-uid",
    "--digest-algo=SHA512",
]


class GnupgService:
    """A `debpress.signing.gnupg.Gnupg`: programs in `programs`, exported keys in `keyring`.

    `passphrase` returns the passphrase that the secret of a given name holds.
    """

    def __init__(self, programs: Path, keyring: Path, passphrase: Callable[[str], str]) -> None:
        self._programs = programs
        self._keyring = keyring
        self._passphrase = passphrase
        # Who adopts the agents is said for the whole process (`_adopting`).
        self._one_by_one = threading.Lock()

    def exports(self) -> list[bytes]:
        try:
            return [file.read_bytes() for file in sorted(self._keyring.glob("*.gpg"))]
        except OSError as error:
            raise SigningError(f"the keyring in the layer can't be read: {error}") from error

    def sign(self, order: Order) -> bytes:
        passphrase = self._passphrase(order.secret)
        with self._one_by_one, self._home() as home:
            try:
                gpg = gnupg.GPG(
                    gpgbinary=str(self._programs / "gpg"),
                    gnupghome=str(home),
                    options=[*_OPTIONS, f"--agent-program={self._programs / 'gpg-agent'}"],
                    env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
                )
            except (OSError, ValueError) as error:
                raise SigningError(f"the layer's gpg does not run here: {error}") from error
            imported = gpg.import_keys(order.export)
            if not imported.sec_read:
                raise SigningError(f"gpg does not read the layer's key: {_said(imported.stderr)}")
            made = gpg.sign(
                order.data,
                # python-gnupg must be set to Latin-1: it fails at user ids that it can't decode,
                # and without a locale gpg's encoding of them is not certain. It so encodes the
                # passphrase as Latin-1, too; decoded in this way, the bytes of UTF-8 come out.
                passphrase=passphrase.encode().decode("latin-1"),
                clearsign=order.text,
                detach=not order.text,
                binary=not order.text,
                extra_args=[
                    "--local-user",
                    f"{order.fingerprint}!",
                    "--faked-system-time",
                    f"{order.created:%Y%m%dT%H%M%S}!",
                ],
            )
        if not made.fingerprint:
            raise SigningError(_reason(order, made.stderr))
        data: bytes = made.data
        return data

    @contextmanager
    def _home(self) -> Iterator[Path]:
        home = Path(tempfile.mkdtemp(prefix="debpress-gpg-", dir=_HOMES))
        try:
            (home / "gpg-agent.conf").write_text(_AGENT_CONF)
            with _adopting():
                try:
                    yield home
                finally:
                    self._stop_agent(home)
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def _stop_agent(self, home: Path) -> None:
        """Asks the agent itself to stop: `gpgconf --kill` would look for programs in /usr/bin,
        where Lambda has none of gpg's."""
        found = re.search(r"^D (\d+)$", self._tell(home, "getinfo pid"), re.MULTILINE)
        if found is None:
            return  # No agent was started.
        agent = int(found[1])
        self._tell(home, "killagent")
        patience = time.monotonic() + _AGENT_SECONDS
        while not _gone(agent):
            if time.monotonic() > patience:
                with suppress(ProcessLookupError):
                    os.kill(agent, signal.SIGKILL)
            time.sleep(0.01)

    def _tell(self, home: Path, command: str) -> str:
        connect = [str(self._programs / "gpg-connect-agent"), "--homedir", str(home)]
        done = subprocess.run(  # noqa: S603
            [*connect, "--no-autostart", command, "/bye"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_AGENT_SECONDS,
        )
        return done.stdout


_SET_CHILD_SUBREAPER, _GET_CHILD_SUBREAPER = 36, 37


@contextmanager
def _adopting() -> Iterator[None]:
    """Makes this process the parent of the agent (PR_SET_CHILD_SUBREAPER, prctl(2)), to wait for
    its end. The agent's own parent, gpg, ends at once; then the sandbox's first process would be
    its parent, which may leave the ended agent as a zombie.
    """
    library = ctypes.CDLL(None)
    before = ctypes.c_int()
    library.prctl(_GET_CHILD_SUBREAPER, ctypes.byref(before), 0, 0, 0)
    library.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        library.prctl(_SET_CHILD_SUBREAPER, before.value, 0, 0, 0)


def _gone(process: int) -> bool:
    try:
        return os.waitpid(process, os.WNOHANG)[0] == process
    except ChildProcessError:
        return not Path(f"/proc/{process}").exists()


def _reason(order: Order, stderr: str) -> str:
    if "bad passphrase" in stderr.lower():
        return (
            f"the passphrase in the secret {order.secret} does not open the key "
            f"{order.fingerprint}; put the right one there"
        )
    return f"gpg made no signature by {order.fingerprint}: {_said(stderr)}"


def _said(stderr: str) -> str:
    lines = [line for line in stderr.splitlines() if not line.startswith("[GNUPG:]")]
    return " ".join(lines)[-_TAIL:] or "it does not say why"


@cache
def service() -> GnupgService:
    """gpg and the keyring of the layer. Raises ConfigError where the layer is not attached."""
    try:
        folder = Path(str(resources.files("debpress_gnupg")))
    except ModuleNotFoundError as error:
        raise ConfigError(
            "a gnupg: signer is configured, and the layer with gpg and its key is not here: build "
            "it (layers/gnupg/bundle.py), deploy, and sign where it is attached"
        ) from error
    return GnupgService(folder / "bin", folder / "keyring", passphrase)


def passphrase(secret: str) -> str:
    """A passphrase from Secrets Manager. IAM: secretsmanager:GetSecretValue on the secret."""
    arn = _ARN.fullmatch(secret)
    client = _secrets_manager(arn[1] if arn else None)
    permission = "secretsmanager:GetSecretValue on it (and kms:Decrypt, if its key is your own)"
    try:
        with aws.translated(f"read the secret {secret}", permission):
            try:
                answer = client.get_secret_value(SecretId=secret)
            except ClientError as error:
                if aws.code(error) == "ResourceNotFoundException":
                    raise SigningError(
                        f"there is no secret {secret} here; make it (aws secretsmanager "
                        "create-secret), or correct debpress.signers"
                    ) from error
                raise
    except StoreError as error:
        raise SigningError(str(error)) from error
    # A secret that was stored from a file may end with the editor's newline; no passphrase does.
    text = str(answer.get("SecretString", "")).removesuffix("\n").removesuffix("\r")
    if not text or "\n" in text:
        raise SigningError(f"the secret {secret} must be text of one line: the passphrase")
    return text


@cache
def _secrets_manager(region: str | None) -> Any:
    return aws.client("secretsmanager", region=region)
