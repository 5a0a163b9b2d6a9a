"""A real apt with a root of its own: its configuration, lists, keys and dpkg database.

Nothing of the machine's apt is read or changed, and no privilege is needed. The demo and the tests
use it, and take apt's warnings for as serious as its errors, because they fill the logs of hosts.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalError

_SECONDS = 180.0
_TAIL = 2000
_MESSAGE = re.compile(r"^(?:W|E|Err|Warning|Error): ?.*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Said:
    """The output and the exit code of a command."""

    command: str
    code: int
    out: str
    err: str

    @property
    def complaints(self) -> list[str]:
        """Every warning and error: lines that begin with `W:`, `E:`, or the words in full."""
        return _MESSAGE.findall(f"{self.out}\n{self.err}")

    def clean(self) -> Said:
        """Returns itself. Raises LocalError when there was an error or a warning."""
        if self.code or self.complaints:
            said = f"{self.out[-_TAIL:]}\n{self.err[-_TAIL:]}".strip()
            raise LocalError(f"`{self.command}` ended with {self.code}:\n{said}")
        return self


class AptRoot:
    """An apt of one architecture, below `path`, with `sources` as its only source.

    `sources` are lines as of sources.list(5), or deb822 stanzas (they begin with `Types:`), with
    the signed-by of the caller's choice. `foreign` are further architectures.
    """

    def __init__(
        self, path: Path, sources: str, architecture: str = "amd64", foreign: Sequence[str] = ()
    ) -> None:
        self.path = path.resolve()
        self.architecture = architecture
        for part in (
            "etc/apt/apt.conf.d",
            "etc/apt/sources.list.d",
            "etc/apt/preferences.d",
            "etc/apt/trusted.gpg.d",
            "var/lib/apt/lists/partial",
            "var/cache/apt/archives/partial",
            "var/lib/dpkg/updates",
            "var/lib/dpkg/info",
            "var/lib/dpkg/triggers",
            "var/log/apt",
            "tmp",
        ):
            (self.path / part).mkdir(parents=True, exist_ok=True)
        self.status = self.path / "var/lib/dpkg/status"
        self.status.touch()
        name = "its.sources" if sources.lstrip().startswith("Types:") else "its.list"
        (self.path / "etc/apt/sources.list.d" / name).write_text(sources.strip() + "\n")
        self._configuration = self.path / "apt.conf"
        self._configuration.write_text(_configuration(self.path, architecture, foreign))

    def update(self) -> Said:
        """`apt-get update`. Its errors and warnings are in the returned `complaints`."""
        return self.run("apt-get", "update")

    def show(self, package: str) -> Said:
        return self.run("apt-cache", "show", package)

    def policy(self, package: str) -> Said:
        return self.run("apt-cache", "policy", package)

    def versions(self, package: str) -> list[str]:
        """The versions of a package that apt sees, newest first."""
        said = self.run("apt-cache", "madison", package).clean()
        return [line.split("|")[1].strip() for line in said.out.splitlines() if "|" in line]

    def packages(self) -> list[str]:
        """The names of all packages apt sees, sorted."""
        said = self.run("apt-cache", "dumpavail").clean()
        return sorted({m[1] for m in re.finditer(r"^Package: (\S+)$", said.out, re.MULTILINE)})

    def download(self, *packages: str) -> list[Path]:
        """`apt-get download`, which checks size and hash. Returns the files. Raises LocalError."""
        folder = self.path / "downloads"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self.run("apt-get", "download", *packages, cwd=folder).clean()
        return sorted(folder.iterdir())

    def install(self, *packages: str) -> Said:
        """`apt-get install` into this root: fetched, checked and unpacked as on a host.

        Maintainer scripts would run on this machine itself and not in a chroot: install only
        packages without them.
        """
        return self.run("apt-get", "install", "--yes", "--no-install-recommends", *packages)

    def installed(self, package: str) -> str | None:
        """The version dpkg says is installed in this root, or None."""
        database, form = f"--admindir={self.status.parent}", "${db:Status-Abbrev}|${Version}"
        said = self.run("dpkg-query", database, "-f", form, "--show", package)
        state, _, version = said.out.partition("|")
        return version if state.strip() == "ii" else None

    def run(self, *command: str, cwd: Path | None = None) -> Said:
        """Runs one of apt's or dpkg's commands with this root's configuration."""
        done = subprocess.run(
            command,
            cwd=cwd or self.path,
            env={
                "APT_CONFIG": str(self._configuration),
                # dpkg refuses to run unless ldconfig and start-stop-daemon are in PATH.
                "PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin",
                "LC_ALL": "C.UTF-8",
                "DEBIAN_FRONTEND": "noninteractive",
                "TMPDIR": str(self.path / "tmp"),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
        return Said(" ".join(command), done.returncode, done.stdout, done.stderr)


def _configuration(path: Path, architecture: str, foreign: Sequence[str]) -> str:
    """An apt.conf(5) that replaces all of the machine's own configuration.

    apt reads the file that APT_CONFIG names first, so that its `Dir` keeps apt from reading the
    machine's files afterwards.
    """
    both = "; ".join(f'"{each}"' for each in (architecture, *foreign))
    options = "; ".join(
        f'"{option}"'
        for option in (
            f"--root={path}",
            # dpkg without root's privileges, and scripts not in a chroot, which has no shell.
            "--force-not-root",
            "--force-script-chrootless",
            "--force-architecture",
            f"--log={path}/var/log/dpkg.log",
        )
    )
    return f"""\
Dir "{path}";
Dir::Etc "etc/apt";
Dir::State "var/lib/apt";
Dir::State::status "{path}/var/lib/dpkg/status";
Dir::Cache "var/cache/apt";
Dir::Log "var/log/apt";
Dir::Bin::dpkg "/usr/bin/dpkg";
APT::Architecture "{architecture}";
APT::Architectures {{ {both}; }};
APT::Sandbox::User "root";
APT::Install-Recommends "false";
APT::Update::Error-Mode "any";
APT::Get::Assume-Yes "true";
Acquire::Check-Date "true";
Acquire::Check-Valid-Until "true";
Acquire::http::Proxy "DIRECT";
DPkg::Use-Pty "false";
DPkg::Options {{ {options}; }};
"""
