"""A root with what every Debian host has and nothing else, made of this machine's own packages.

Beside apt there are the essential packages and what these depend on: no curl, no wget, no gpg.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterable
from pathlib import Path

_LEFT_OUT = re.compile(r"/usr/share/(doc|info|locale|man|zoneinfo|bash-completion|perl5?)/")
_MERGED = re.compile(r"^/(bin|sbin|lib|lib64)/")
# What packages' scripts make, rather than bring.
_MADE = ("/etc/passwd", "/etc/group", "/etc/alternatives/awk", "/usr/bin/awk")


class HostRoot:
    """A host below `path`, whose commands run in a chroot. It takes root to make and to use. Where
    there is a root already, as of another release of Debian, it is that. `programs` are folders to
    look into first."""

    def __init__(self, path: Path, *programs: str) -> None:
        self.path = path
        self._programs = ":".join((*programs, "/usr/sbin:/usr/bin:/sbin:/bin"))
        if not path.exists():
            self._make(path)
        self.forget()

    @staticmethod
    def _make(path: Path) -> None:
        packages = _closure()
        for folder in ("usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "dev", "tmp", "root"):
            (path / folder).mkdir(parents=True)
        (path / "tmp").chmod(0o1777)
        for name in ("bin", "sbin", "lib", "lib64"):
            (path / name).symlink_to(f"usr/{name}")
        for file in _files(packages):
            _copy(Path(file), path)
        for name, minor in (("null", 3), ("urandom", 9)):
            os.mknod(path / "dev" / name, stat.S_IFCHR, os.makedev(1, minor))
            (path / "dev" / name).chmod(0o666)
        status = path / "var/lib/dpkg/status"
        status.parent.mkdir(parents=True, exist_ok=True)
        status.write_text(_status(packages), "utf-8")
        for folder in ("info", "updates", "triggers", "../../log/apt"):
            (status.parent / folder).mkdir(parents=True, exist_ok=True)

    def forget(self) -> None:
        """As it was made: without sources, keys, lists of packages and foreign architectures."""
        for folder in ("etc/apt", "var/lib/apt", "var/cache/apt"):
            shutil.rmtree(self.path / folder, ignore_errors=True)
        for folder in (
            *("etc/apt/sources.list.d", "etc/apt/apt.conf.d", "etc/apt/preferences.d"),
            "etc/apt/auth.conf.d",
            *("var/lib/apt/lists/partial", "var/cache/apt/archives/partial"),
        ):
            (self.path / folder).mkdir(parents=True)
        (self.path / "var/lib/dpkg/arch").unlink(missing_ok=True)

    def run(self, *command: str, user: str = "root") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["chroot", f"--userspec={user}", self.path, *command],
            env={"PATH": self._programs, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def update(self) -> list[str]:
        """What `apt-get update` has to remark on: notices, warnings and errors."""
        said = self.run("apt-get", "update", "-o", "APT::Update::Error-Mode=any")
        told = re.findall(r"^(?:[NWE]|Err|Ign): ?.*", f"{said.stdout}\n{said.stderr}", re.M)
        return told + ([f"ended with {said.returncode}"] if said.returncode else [])

    def packages(self) -> set[str]:
        """The names of what apt can see and dpkg has not."""
        listed = self.run("apt-cache", "dumpavail").stdout
        found = re.findall(r"^Package: (\S+)$", listed, re.M)
        return set(found) - set(_names(self.path / "var/lib/dpkg/status"))

    def apt(self) -> dict[str, str]:
        """What is below /etc/apt, by name; of a link, where it leads."""
        folder = self.path / "etc/apt"
        return {
            str(file.relative_to(folder)): str(file.readlink())
            if file.is_symlink()
            else file.read_bytes().decode("latin-1")
            for file in sorted(folder.rglob("*"))
            if file.is_symlink() or file.is_file()
        }


def _closure() -> list[str]:
    """The names of the essential packages and apt, with all that they depend on."""
    known = {}
    for line in _query("${Package}\t${Essential}\t${Pre-Depends}, ${Depends}\t${Provides}\n"):
        name, essential, needs, provides = line.split("\t")
        known[name] = (essential == "yes", needs)
        for each in re.findall(r"[a-z0-9][a-z0-9+.-]+", provides):
            known.setdefault(each, (False, name))
    wanted = ["apt", *(name for name, (essential, _) in known.items() if essential)]
    found: dict[str, None] = {}
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = None
            needs = re.sub(r"\([^)]*\)|:\w+", "", known[name][1])
            for each in needs.split(","):
                choices = [choice.strip() for choice in each.split("|")]
                wanted += [choice for choice in choices if choice in known][:1]
    return sorted(set(found) & {line.strip() for line in _query("${Package}\n")})


def _query(form: str) -> list[str]:
    return subprocess.run(
        ["dpkg-query", "-W", "-f", form], capture_output=True, text=True, check=True
    ).stdout.splitlines()


def _files(packages: Iterable[str]) -> list[str]:
    listed = subprocess.run(
        ["dpkg", "-L", *packages], capture_output=True, text=True, check=True
    ).stdout
    named = {_MERGED.sub(r"/usr/\1/", line) for line in listed.splitlines() if line[:1] == "/"}
    return [*sorted(file for file in named if not _LEFT_OUT.match(file)), *_MADE]


def _copy(file: Path, root: Path) -> None:
    target = root / file.relative_to("/")
    if file.is_symlink() or file.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.is_symlink() and not target.exists():
            shutil.copy2(file, target, follow_symlinks=False)


def _status(packages: Iterable[str]) -> str:
    return subprocess.run(
        ["dpkg-query", "--status", *packages], capture_output=True, text=True, check=True
    ).stdout


def _names(status: Path) -> list[str]:
    return re.findall(r"^Package: (\S+)$", status.read_text("utf-8"), re.M)
