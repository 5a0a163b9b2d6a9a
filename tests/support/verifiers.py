"""The programs that judge a signature on hosts: gpgv, sqv and gpg, each run as apt runs it."""

from __future__ import annotations

import functools
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Verdict:
    """`good` is the program's exit status; `fingerprints` those whose signatures it found good."""

    good: bool
    fingerprints: tuple[str, ...]
    output: str


def gpgv(keyring: bytes, inrelease: bytes) -> Verdict:
    """A clear-signed document, by gpgv. `keyring` holds binary certificates."""
    with tempfile.TemporaryDirectory() as folder:
        files = _files(Path(folder), keyring=keyring, document=inrelease)
        return _gpgv(files["keyring"], files["document"])


def gpgv_detached(keyring: bytes, signature: bytes, data: bytes) -> Verdict:
    with tempfile.TemporaryDirectory() as folder:
        files = _files(Path(folder), keyring=keyring, signature=signature, data=data)
        return _gpgv(files["keyring"], files["signature"], files["data"])


def sqv(keyring: bytes, inrelease: bytes) -> Verdict:
    """A clear-signed document, by sqv. `keyring` holds certificates, armored or binary.

    apt cuts the document in two itself and has the halves verified as a detached signature.
    """
    signature, text = as_apt_splits(inrelease)
    return sqv_detached(keyring, signature, text)


def sqv_detached(keyring: bytes, signature: bytes, data: bytes) -> Verdict:
    with tempfile.TemporaryDirectory() as folder:
        files = _files(Path(folder), keyring=keyring, signature=signature, data=data)
        option = ("--signature-file",) if _new_sqv() else ()
        done = _run(
            "sqv", "--keyring", files["keyring"], *option, files["signature"], files["data"]
        )
        good = done.returncode == 0
        found = tuple(re.findall(r"^[0-9A-F]{40}$", done.stdout, re.M)) if good else ()
        return Verdict(good, found, done.stdout + done.stderr)


def gpg(keyring: bytes, inrelease: bytes) -> Verdict:
    """A clear-signed document, by gpg. `keyring` holds binary certificates."""
    with tempfile.TemporaryDirectory() as folder:
        files = _files(Path(folder), keyring=keyring, document=inrelease)
        return _gpg(folder, files["keyring"], files["document"])


def gpg_detached(keyring: bytes, signature: bytes, data: bytes) -> Verdict:
    with tempfile.TemporaryDirectory() as folder:
        files = _files(Path(folder), keyring=keyring, signature=signature, data=data)
        return _gpg(folder, files["keyring"], files["signature"], files["data"])


def gpg_import(certificate: bytes) -> Verdict:
    """A certificate brought into an empty keyring; `fingerprints` is what is then in there."""
    with tempfile.TemporaryDirectory() as folder:
        files = _files(Path(folder), certificate=certificate)
        home = Path(folder) / "home"
        home.mkdir(mode=0o700)
        gpg = ("gpg", "--homedir", str(home), "--batch", "--no-autostart")
        done = _run(*gpg, "--import", files["certificate"])
        listed = _run(*gpg, "--with-colons", "--list-keys")
        found = tuple(re.findall(r"^fpr:+([0-9A-F]{40}):", listed.stdout, re.M))
        return Verdict(done.returncode == 0, found, done.stderr + listed.stdout)


def as_apt_splits(inrelease: bytes) -> tuple[bytes, bytes]:
    """The armored signature and the text, without the last line's end (which is not signed)."""
    head, _, signature = inrelease.partition(b"\n-----BEGIN PGP SIGNATURE-----\n")
    text = head.partition(b"\n\n")[2]
    lines = [line.removeprefix(b"- ") for line in text.split(b"\n")]
    return b"-----BEGIN PGP SIGNATURE-----\n" + signature, b"\n".join(lines)


def _gpg(home: str, keyring: str, *files: str) -> Verdict:
    options = ("--homedir", home, "--batch", "--no-autostart", "--trust-model", "always")
    return _status(
        "gpg", *options, "--no-default-keyring", "--keyring", keyring, "--verify", *files
    )


def _gpgv(keyring: str, *files: str) -> Verdict:
    return _status("gpgv", "--keyring", keyring, *files)


def _status(program: str, *arguments: str) -> Verdict:
    done = _run(program, "--status-fd", "1", *arguments)
    found = tuple(re.findall(r"^\[GNUPG:\] VALIDSIG ([0-9A-F]{40}) ", done.stdout, re.M))
    return Verdict(done.returncode == 0, found, done.stdout + done.stderr)


def _files(folder: Path, **contents: bytes) -> dict[str, str]:
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: str(folder / name) for name in contents}


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False, timeout=60
    )


@functools.cache
def _new_sqv() -> bool:
    """sqv took its signature as an option from 1.2 on."""
    return "--signature-file" in _run("sqv", "--help").stdout
