"""Verifies signatures of others by gpgv, which knows keys of every algorithm, as apt does."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from subprocess import CompletedProcess

from debpress.adapters import scratch
from debpress.adapters.verifiers import run
from debpress.errors import SigningError, SourceError
from debpress.openpgp.armor import dearmor

_STATUS = re.compile(r"^\[GNUPG:\] ([A-Z_]+)(?: (\S+))?", re.MULTILINE)
_BLOCK = re.compile(
    rb"-----BEGIN PGP PUBLIC KEY BLOCK-----.*?-----END PGP PUBLIC KEY BLOCK-----", re.DOTALL
)
# At byte 8 of GnuPG's own key store (`pubring.kbx`), which gpgv reads and apt does not.
_KEYBOX = b"KBXf"
# As apt: a signature by these proves nothing.
_WEAK = ("--weak-digest", "SHA1", "--weak-digest", "RIPEMD160")
_REASONS = {
    "BADSIG": (
        "its bytes are not those that were signed; a publish may be going on there: run this "
        "again, and if it stays so, find out who changed it"
    ),
    "EXPSIG": "the signature is expired; have it signed anew there",
    "EXPKEYSIG": "the key is expired; take its renewed certificate, or have it signed anew there",
    "REVKEYSIG": "the key is revoked; have it signed by another one there",
    "ERRSIG": (
        "the signature can't be judged (an algorithm or a digest that nobody should trust); have "
        "it signed anew there, with SHA-256 or SHA-512"
    ),
}


def binary(keyring: bytes, name: str) -> bytes:
    """A keyring, armored or not, as gpgv and apt read it. Raises SigningError."""
    if keyring[8:12] == _KEYBOX:
        raise SigningError(
            f"{name} is a keybox of GnuPG, which apt does not read: give what `gpg "
            "--no-default-keyring --keyring FILE --export` writes (FILE with its whole path)"
        )
    blocks = _BLOCK.findall(keyring)
    try:
        return b"".join(dearmor(each, "PUBLIC KEY BLOCK") for each in blocks) or keyring
    except SigningError as error:
        raise SigningError(f"{name}: {error}") from error


class Gpgv:
    """A `debpress.source.place.Verifier`. At least one signature must be good, and none bad, as apt
    has it: one by a key that is not in the keyring says nothing."""

    def __init__(self, keyring: bytes, name: str) -> None:
        """`keyring` is binary, or armored, with any number of keys; `name` is what to call it in
        messages. Raises SigningError where gpgv is not installed."""
        program = shutil.which("gpgv")
        if program is None:
            raise SigningError("gpgv is not installed; as root: apt-get install gpgv")
        self._program = program
        self._name = name
        self._keyring = binary(keyring, name)

    def clearsigned(self, document: bytes) -> bytes:
        with scratch.folder("debpress-gpgv-") as folder:
            text = folder / "text"
            self._judge(folder, ["--output", str(text)], document)
            return text.read_bytes()

    def detached(self, data: bytes, signature: bytes) -> None:
        with scratch.folder("debpress-gpgv-") as folder:
            self._judge(folder, [], signature, data)

    def _judge(self, folder: Path, options: list[str], *files: bytes) -> None:
        keyring = folder / "keyring.gpg"
        keyring.write_bytes(self._keyring)
        paths = [folder / f"file-{number}" for number in range(len(files))]
        for path, body in zip(paths, files, strict=True):
            path.write_bytes(body)
        command = [self._program, "--status-fd", "1", *_WEAK, "--keyring", str(keyring)]
        done = run([*command, *options, *map(str, paths)])
        if done.returncode < 0:
            raise SourceError(f"gpgv is ended here by signal {-done.returncode}; run this again")
        self._conclude(done)

    def _conclude(self, done: CompletedProcess[str]) -> None:
        said = _STATUS.findall(done.stdout)
        unknown = [key for word, key in said if word == "NO_PUBKEY"]
        wrong = [
            (word, key)
            for word, key in said
            if word in _REASONS and not (word == "ERRSIG" and key in unknown)
        ]
        good = any(word == "GOODSIG" for word, _ in said)
        if good and not any(word == "BADSIG" for word, _ in wrong):
            return
        if wrong:
            word, key = wrong[0]
            raise SigningError(f"bad signature by {key}: {_REASONS[word]}")
        if unknown:
            raise SigningError(
                f"it is signed by {', '.join(unknown)}, which is not in {self._name}; give the "
                "keyring that your hosts trust for it (signed-by, or of /etc/apt/trusted.gpg.d)"
            )
        lines = [line for line in done.stderr.splitlines() if line.startswith("gpgv: ")]
        told = " ".join(lines)[:300]
        raise SigningError(f"gpgv finds no good signature by the keys in {self._name}: {told}")
