"""The peers that debpress is measured beside, each as Debian has it.

Each is given the same packages, adds ten of them more in each round, and signs with a key of the
same kind as debpress's. Their state is below a folder of this run alone.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks import s3_server
from benchmarks.s3_server import S3Server
from benchmarks.synthetic import Synthetic
from local import processes, progress, tools
from tests.support.press import deb

_SECONDS = 1800.0
_NOT_IN_CONTROL = ("Filename:", "Size:", "SHA256:", "Description-md5:")


class Peer(Protocol):
    name: str

    def fill(self, packages: Path) -> None:
        """Makes and publishes a suite of all packages in a folder."""

    def add(self, packages: Path) -> float:
        """Adds those in another folder and publishes them; returns how many seconds that took."""


@dataclass(frozen=True, slots=True)
class Gpg:
    """A key without a passphrase, and what a program needs to sign with it."""

    home: Path
    fingerprint: str

    @property
    def environment(self) -> dict[str, str]:
        return {"GNUPGHOME": str(self.home), "HOME": str(self.home), "LC_ALL": "C.UTF-8"}


@contextmanager
def key() -> Iterator[Gpg]:
    """A key of Ed25519, and its agent; both are gone on leaving."""
    # The agent's socket is in this folder, and the path of a socket may have 107 bytes (unix(7)).
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="bench-") as folder:
        gpg = Gpg(Path(folder), "")
        run = ["gpg", "--batch", "--quiet", "--passphrase", ""]
        make = [*run, "--quick-gen-key", "bench <bench@example.org>", "ed25519", "sign", "never"]
        _run(make, gpg)
        listed = _run([*run, "--with-colons", "--list-keys"], gpg)
        fingerprint = next(line for line in listed.splitlines() if line.startswith("fpr:"))
        try:
            yield Gpg(gpg.home, fingerprint.split(":")[9])
        finally:
            _run(["gpgconf", "--kill", "all"], gpg)


class Reprepro:
    """reprepro, on the local disk: it can't publish to S3. It writes the text and the `.gz`, and no
    `.xz`, as it does unless it is told otherwise."""

    name = "reprepro"

    def __init__(self, folder: Path, gpg: Gpg) -> None:
        self._base, self._gpg = folder, gpg
        (folder / "conf").mkdir(parents=True)
        (folder / "conf" / "distributions").write_text(
            "Codename: stable\nComponents: main\nArchitectures: amd64\n"
            f"SignWith: {gpg.fingerprint}\n"
        )

    def fill(self, packages: Path) -> None:
        self.add(packages)

    def add(self, packages: Path) -> float:
        files = sorted(map(str, packages.glob("*.deb")))
        command = ["reprepro", "--silent", "-b", str(self._base), "includedeb", "stable", *files]
        return _seconds(command, self._gpg)


class Aptly:
    """aptly, publishing to the same S3 server, without Contents. What it takes to import the
    packages before is not counted."""

    name = "aptly"

    def __init__(self, folder: Path, gpg: Gpg, server: S3Server, bucket: str) -> None:
        folder.mkdir(parents=True)
        self._gpg = gpg
        self._how = ("-batch", "-skip-contents", f"-gpg-key={gpg.fingerprint}")
        self._configuration = folder / "aptly.json"
        endpoint = {
            "region": s3_server.REGION,
            "bucket": bucket,
            "endpoint": server.endpoint,
            "awsAccessKeyID": s3_server.ACCESS_KEY_ID,
            "awsSecretAccessKey": s3_server.SECRET_ACCESS_KEY,
            "acl": "none",
        }
        self._configuration.write_text(
            json.dumps(
                {
                    "rootDir": str(folder),
                    "architectures": ["amd64"],
                    "gpgProvider": "gpg",
                    "S3PublishEndpoints": {"here": endpoint},
                }
            )
        )

    def fill(self, packages: Path) -> None:
        self._aptly("repo", "create", "-distribution=stable", "-component=main", "packages")
        self._aptly("repo", "add", "packages", str(packages))
        self._aptly("publish", "repo", *self._how, "packages", "s3:here:")

    def add(self, packages: Path) -> float:
        self._aptly("repo", "add", "packages", str(packages))
        return self._aptly("publish", "update", *self._how, "stable", "s3:here:")

    def _aptly(self, *arguments: str) -> float:
        return _seconds(["aptly", f"-config={self._configuration}", *arguments], self._gpg)


class AptFtparchive:
    """apt-ftparchive, on the local disk: with its cache of what it has read. It does not sign, and
    compresses nothing here."""

    name = "apt-ftparchive"

    def __init__(self, folder: Path, gpg: Gpg) -> None:
        (folder / "pool").mkdir(parents=True)
        self._folder, self._gpg = folder, gpg

    def fill(self, packages: Path) -> None:
        self.add(packages)

    def add(self, packages: Path) -> float:
        for file in packages.glob("*.deb"):
            (self._folder / "pool" / file.name).hardlink_to(file)
        return _seconds(
            ["apt-ftparchive", "--db", "cache.db", "-o", "APT::FTPArchive::AlwaysStat=false",
             "packages", "pool"], self._gpg, cwd=self._folder,
        )  # fmt: skip


def installed() -> list[str]:
    """Installs what is missing, as root, and returns which of the peers are there.

    Says loudly which are not: what they would have been measured beside is then not measured.
    """
    problem = tools.ensure(tools.missing(tools.PEERS))
    absent = sorted(command for command in tools.PEERS if not shutil.which(command))
    if absent:
        progress.complain(
            f"NOT MEASURED beside {', '.join(absent)}, which could not be had. {problem or ''}"
        )
    if {"gpg", "gpg-agent"} & {*absent}:
        return []
    peers = (Reprepro.name, Aptly.name, AptFtparchive.name)
    return [name for name in peers if name not in absent]


def packages(folder: Path, count: int) -> Path:
    """As many packages in a folder, whose stanzas are those of `Synthetic(count)`."""
    folder.mkdir(parents=True)
    for entry in Synthetic(count).entries():
        lines = entry.text.decode().splitlines(keepends=True)
        extra = "".join(x for x in lines[3:] if not x.startswith(_NOT_IN_CONTROL))
        kept = _without(extra, ("Architecture:", "Maintainer:", "Description:"))
        name, version = entry.identity.package, entry.identity.version
        _write(folder, name, version, kept)
    return folder


def more(folder: Path, names: Sequence[str]) -> Path:
    """Packages of these names, in a folder."""
    folder.mkdir(parents=True)
    for name in names:
        _write(folder, name, "1", "Section: misc\nPriority: optional\n")
    return folder


def _without(stanza: str, fields: tuple[str, ...]) -> str:
    lines = stanza.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(fields))


def _write(folder: Path, name: str, version: str, extra: str) -> None:
    (folder / f"{name}_{version}_amd64.deb").write_bytes(deb(name, version, "amd64", extra=extra))


def _run(command: Sequence[str], gpg: Gpg) -> str:
    environment = {**_path(), **gpg.environment}
    return processes.run(command, environment=environment, timeout=_SECONDS).stdout


def _seconds(command: Sequence[str], gpg: Gpg, cwd: Path | None = None) -> float:
    environment = {**_path(), **gpg.environment}
    begun = time.perf_counter()
    processes.run(command, environment=environment, timeout=_SECONDS, cwd=cwd)
    return time.perf_counter() - begun


def _path() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "NO_PROXY": "127.0.0.1"}
