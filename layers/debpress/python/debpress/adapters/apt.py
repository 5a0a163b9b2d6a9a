"""Asks real apt what a host would be offered, in a root of its own.

Nothing of this machine's apt is read or changed: not its sources, keys, pins, hooks or packages.
apt reads a mirror, the very files that were fetched, and verifies, unpacks and parses them itself.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from debpress.adapters import scratch
from debpress.errors import SourceError
from debpress.source import answers
from debpress.source.answers import Answer

_SECONDS = 600
_VERSION = re.compile(r"apt (\S+)")
# Of a root's path, so that a file can be named by it and by the path of an index.
_LONGEST = 120
# They go into apt's configuration, in which a quote would begin something else.
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_~-]*")
_MESSAGE = re.compile(r"^(W|E|Warning|Error): ?(.*)$", re.MULTILINE)
_SHOWN = 5
# What says nothing of a source.
_OURS = re.compile(
    "No space left on device|Disk quota exceeded|File too large|Cannot allocate memory|"
    "received signal|died unexpectedly"
)


@dataclass(frozen=True, slots=True)
class Mirror:
    """What was fetched of a suite, in a folder that has it as its repository has: `release` is
    where its Release is, below `folder`, and `address` what to call it. `keyring` is binary."""

    folder: Path
    release: str
    flat: bool
    keyring: bytes
    address: str


class Apt:
    """The apt of this machine, whose `version` is as it says it."""

    def __init__(self, get: str, cache: str) -> None:
        self._get, self._cache = get, cache
        with scratch.folder("debpress-apt-") as root:
            _check_path(root)
            (root / "apt.conf").write_text(_configuration(root, "all"), "utf-8")
            said = _run(root, get, "--version")
        found = _VERSION.match(said.stdout.decode("utf-8", "replace"))
        if found is None:
            raise SourceError(f"{get} does not say its version; is it apt's?")
        self.version = found[1]

    def asked(self, mirror: Mirror, components: Iterable[str], architecture: str) -> Answer:
        """What it says on a host of this architecture with this source alone and nothing
        installed. Raises SourceError where apt does not take the source."""
        for word in (*components, architecture):
            if not _WORD.fullmatch(word):
                raise SourceError(f"{mirror.address} has an architecture or a component {word!r}")
        with scratch.folder("root-", mirror.folder.parent) as folder:
            root = _Root(folder, mirror, components, architecture)
            updated = root.run(self._get, "update")
            available = root.run(self._cache, "dumpavail")
            # With --important those of Depends and Pre-Depends alone.
            missing = root.run(self._cache, "--important", "unmet")
            return Answer(
                answers.candidates(available.stdout, architecture),
                answers.resolved(root.universe(self._get)),
                frozenset(answers.unmet(missing.stdout.decode("utf-8", "replace"))),
                frozenset(root.warnings(updated)),
            )


def installed() -> Apt | None:
    """None where apt is not installed. Raises SourceError where it does not run."""
    get, cache = shutil.which("apt-get"), shutil.which("apt-cache")
    return Apt(get, cache) if get and cache else None


def _check_path(root: Path) -> None:
    """apt makes names of files from addresses, and reads quotes in its configuration."""
    if '"' in str(root) or len(quote(str(root))) > _LONGEST:
        raise SourceError(
            f"apt can't have its files below {root.parent}: have TMPDIR name a folder whose path "
            "is short and has no quote in it"
        )


class _Root:
    """Where apt has all that it reads and writes."""

    def __init__(
        self, path: Path, mirror: Mirror, components: Iterable[str], architecture: str
    ) -> None:
        self._path, self._mirror = path, mirror
        for part in (
            "etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/sources.list.d",
            "etc/apt/trusted.gpg.d", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial",
            "var/lib/dpkg", "tmp",
        ):  # fmt: skip
            (path / part).mkdir(parents=True)
        (path / "var/lib/dpkg/status").touch()
        (path / "etc/apt/trusted.gpg.d/its.gpg").write_bytes(mirror.keyring)
        source = _source(mirror, components)
        (path / "etc/apt/sources.list.d/its.sources").write_text(source, "utf-8")
        (path / "apt.conf").write_text(_configuration(path, architecture), "utf-8")

    def run(self, *command: str) -> subprocess.CompletedProcess[bytes]:
        """Raises SourceError with what apt says where it fails."""
        done = _run(self._path, *command)
        said = self._told(done, "E")
        if done.returncode < 0 or _OURS.search(said):
            raise SourceError(
                f"apt fails, and not for what it reads: {said}; look at this machine's limits and "
                "memory, and at the room below TMPDIR"
            )
        if done.returncode:
            raise SourceError(
                f"apt does not take {self._mirror.address}: {said}; hosts with "
                "this apt would not either: mend it there, or run this where apt is your hosts'"
            )
        return done

    def universe(self, get: str) -> bytes:
        """What apt hands to a resolver that is not its own, for which it has one that writes it
        down and gives up."""
        file = self._path / "universe"
        done = _run(self._path, get, "-oAPT::Solver=dump", "--simulate", "dist-upgrade", dump=file)
        if not file.exists():
            raise SourceError(
                "apt does not write down what it tells a resolver (its program solvers/dump): "
                f"{self._told(done, 'E')}; install the package apt anew"
            )
        return file.read_bytes()

    def warnings(self, done: subprocess.CompletedProcess[bytes]) -> list[str]:
        return [said for kind, said in self._messages(done) if kind == "W"]

    def _told(self, done: subprocess.CompletedProcess[bytes], kind: str) -> str:
        said = [text for each, text in self._messages(done) if each == kind]
        ends = f"by signal {-done.returncode}" if done.returncode < 0 else f"with {done.returncode}"
        return "; ".join(said[:_SHOWN]) or f"it ends {ends}"

    def _messages(self, done: subprocess.CompletedProcess[bytes]) -> list[tuple[str, str]]:
        """As they are of either side: where the mirror and the root are says nothing."""
        text = done.stderr.decode("utf-8", "replace").replace(f"{_uri(self._mirror)} ", "")
        text = text.replace(str(self._path), "")
        return [(kind[0], said.strip()) for kind, said in _MESSAGE.findall(text)]


def _run(root: Path, *command: str, dump: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """Runs one of apt's commands by the apt.conf in `root`, and by nothing of this machine's."""
    environment = {
        "APT_CONFIG": str(root / "apt.conf"),
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C.UTF-8",
        "TMPDIR": str(root / "tmp"),
    }
    if dump:
        environment["APT_EDSP_DUMP_FILENAME"] = str(dump)
    try:
        return subprocess.run(  # noqa: S603
            command,
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(f"apt does not run here: {error}") from error


def _uri(mirror: Mirror) -> str:
    return f"file:{quote(str(mirror.folder.resolve()))}"


def _source(mirror: Mirror, components: Iterable[str]) -> str:
    """sources.list(5), "DEB822-STYLE FORMAT"."""
    lines = ["Types: deb", f"URIs: {_uri(mirror)}"]
    if mirror.flat:
        lines.append(f"Suites: {mirror.release or './'}")
    else:
        suite = mirror.release.removeprefix("dists/").rstrip("/")
        lines += [f"Suites: {suite}", f"Components: {' '.join(components)}"]
    return "\n".join(lines) + "\n"


def _configuration(path: Path, architecture: str) -> str:
    """An apt.conf(5) in place of all of the machine's own: apt reads the file that APT_CONFIG names
    first, so that its `Dir` keeps apt from the machine's files.

    Dates are not judged, as an old source is compared as well, and `compare` itself tells of them.
    Phased updates are a matter of the single host.
    """
    return f"""\
Dir "{path}";
Dir::Etc "etc/apt";
Dir::State "var/lib/apt";
Dir::State::status "{path}/var/lib/dpkg/status";
Dir::Cache "var/cache/apt";
Dir::Log "tmp";
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
APT::Get::Always-Include-Phased-Updates "true";
APT::Solver::Strict-Pinning "false";
Acquire::Languages "none";
Acquire::Check-Date "false";
Acquire::Check-Valid-Until "false";
"""
