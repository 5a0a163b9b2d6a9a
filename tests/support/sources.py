"""Repositories that real aptly, reprepro and apt-ftparchive publish, signed by a key of gpg's."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.support.gpg import Gpg

ORIGIN = "Lab of the tests"


class Publisher:
    """`packages` are published anew, all of them, at each call, below `folder`."""

    def __init__(self, folder: Path, gpg: Gpg, suite: str, architectures: Sequence[str]) -> None:
        self.folder = folder
        self.suite = suite
        self.architectures = architectures
        self.origin = ORIGIN
        self._gpg = gpg
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def root(self) -> Path:
        """What a host has in sources.list."""
        return self.folder

    @property
    def where(self) -> str:
        """What comes behind it."""
        return f"{self.suite} main"

    def publish(self, packages: Iterable[Path]) -> None:
        raise NotImplementedError

    def run(self, *command: str | Path, folder: Path | None = None) -> bytes:
        environment = {**os.environ, "GNUPGHOME": str(self._gpg.home), "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            list(map(str, command)), cwd=folder or self.folder, env=environment,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout


class Aptly(Publisher):
    @property
    def root(self) -> Path:
        return self.folder / "public"

    def publish(self, packages: Iterable[Path]) -> None:
        configuration = {"rootDir": str(self.folder), "architectures": list(self.architectures)}
        (self.folder / "aptly.conf").write_text(json.dumps(configuration))
        if not self.root.exists():
            self.aptly("repo", "create", f"-distribution={self.suite}", "-component=main", "lab")
            self.aptly("repo", "add", "lab", *packages)
            names = (f"-origin={self.origin}", f"-label={self.origin}")
            self.aptly("publish", "repo", "-batch", "-skip-contents", *names, "lab")
            return
        self.aptly("repo", "remove", "lab", "Name")  # Every package.
        self.aptly("repo", "add", "lab", *packages)
        self.aptly("publish", "update", "-batch", "-skip-contents", self.suite)

    def aptly(self, *arguments: str | Path) -> None:
        self.run("aptly", f"-config={self.folder / 'aptly.conf'}", *arguments)


class Reprepro(Publisher):
    def publish(self, packages: Iterable[Path]) -> None:
        (self.folder / "conf").mkdir(exist_ok=True)
        (self.folder / "conf/distributions").write_text(
            f"Origin: {self.origin}\nLabel: {self.origin}\n"
            f"Suite: {self.suite}\nCodename: {self.suite}\n"
            f"Architectures: {' '.join(self.architectures)}\nComponents: main\n"
            f"SignWith: {self._gpg.fingerprints()[0]}\n"
        )
        self.run("reprepro", "--basedir", self.folder, "includedeb", self.suite, *packages)


class Flat(Publisher):
    @property
    def where(self) -> str:
        return "./"

    def publish(self, packages: Iterable[Path]) -> None:
        for package in packages:
            (self.folder / package.name).write_bytes(package.read_bytes())
        (self.folder / "Packages").write_bytes(self.run("apt-ftparchive", "packages", "."))
        names = {
            "Origin": self.origin,
            "Label": self.origin,
            "Suite": self.suite,
            "Codename": self.suite,
        }
        options = [f"-oAPT::FTPArchive::Release::{name}={said}" for name, said in names.items()]
        release = self.run("apt-ftparchive", *options, "release", ".")
        (self.folder / "Release").write_bytes(release)
        self.run("gpg", "--batch", "--yes", "--armor", "--detach-sign", "-o", "Release.gpg",
                 "Release")  # fmt: skip
