"""Brings the stack up with a kind of signing key: in the emulator's KMS, or in a layer with gpg."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from debpress.errors import DebpressError

from layers.gnupg import bundle
from local import deployment, paths, processes, stack, synthesis
from local.errors import LocalError
from local.progress import step

KINDS = ("awskms", "gnupg")

_PAGE = {"title": "Packages of this machine", "about": "A repository that debpress published."}
_SECRET = "debpress/passphrase"  # noqa: S105 (its name)
# gpg's agent has its socket in the home, and a socket's path may have 107 bytes (unix(7)). Homes
# are not below TMPDIR, which may be too long.
_HOMES = "/tmp"  # noqa: S108  # nosec B108


@contextmanager
def up(kind: str, port: int | None = None) -> Iterator[stack.Stack]:
    """`stack.up` with a signing key of this kind, and with a page. Raises LocalError."""
    if kind not in KINDS:
        raise LocalError(f"SIGNER must be one of {', '.join(KINDS)}, not {kind!r}")
    shown = {**synthesis.context()["debpress"], "page": _PAGE}
    if kind == "awskms":
        with stack.up(port, {"debpress": shown}) as running:
            yield running
        return
    passphrase = secrets.token_urlsafe(24)
    paths.LOCAL.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=paths.LOCAL) as folder:
        layer = Path(folder, "layer")
        with step("build the layer: gpg of Debian's packages, and a new key with a passphrase"):
            fingerprint = _build(layer, passphrase)
        repository = {**shown, "signers": [f"gnupg:{fingerprint}?secret={_SECRET}"]}
        context = {"debpress": repository, "gnupg_layer": f"{layer}.zip"}
        with stack.up(port, context, lambda endpoint: _keep(endpoint, passphrase)) as running:
            yield running


def _keep(endpoint: str, passphrase: str) -> None:
    with step(f"put its passphrase into the secret {_SECRET}"):
        service = deployment.client(endpoint, "secretsmanager")
        service.create_secret(Name=_SECRET, SecretString=passphrase)


def _build(layer: Path, passphrase: str) -> str:
    """Builds the layer, with a key that the layer's own gpg makes; returns the fingerprint."""
    architecture = synthesis.overrides()["lambda_architecture"]
    home = Path(tempfile.mkdtemp(prefix="debpress-", dir=_HOMES))
    try:
        programs = bundle.programs(architecture) / "bin"
        gpg: list[str | Path] = [programs / "gpg", "--homedir", home, "--batch", "--quiet"]
        gpg += ["--agent-program", programs / "gpg-agent", "--pinentry-mode", "loopback"]
        gpg += ["--passphrase-file", home / "passphrase"]
        (home / "passphrase").write_text(passphrase)
        user = "debpress demo <demo@example.org>"
        # The key is dated an hour back, as minted ones are: signatures are back-dated, and must not
        # be older than their key.
        made = [*gpg, "--faked-system-time", str(int(time.time()) - 3600), "--quick-gen-key", user]
        processes.run([*made, "rsa3072", "sign", "never"])
        export = processes.run([*gpg, "--armor", "--export-secret-keys"]).stdout.encode()
        tell: list[str | Path] = [
            programs / "gpg-connect-agent",
            "--homedir",
            home,
            "--no-autostart",
        ]
        processes.run([*tell, "killagent", "/bye"])
        bundle.build(architecture, [export], target=layer)
    except DebpressError as error:
        raise LocalError(str(error)) from error
    finally:
        shutil.rmtree(home, ignore_errors=True)
    (key,) = (layer / "python/debpress_gnupg/keyring").glob("*.gpg")
    return key.stem
