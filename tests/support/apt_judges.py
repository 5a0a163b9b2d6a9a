"""Real apt and dpkg as judges of control files: what hosts would say, before and after installing.

Nothing of the machine's own is read: apt has a root of its own, dpkg a database of its own.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from local.apt_root import AptRoot, Said

GOOD = b"Package: good\nVersion: 1\nArchitecture: all\n"
_PLACE = b"Filename: pool/x.deb\nSize: 1\nSHA256: " + b"a" * 64 + b"\n"
# dpkg keeps these in its list of available packages alone, never of an installed one.
_AVAILABLE = re.compile(r"^(?:Filename|MSDOS-Filename|Size|MD5sum):.*\n(?: .*\n)*", re.M | re.I)
_REFUSED = re.compile(r"^dpkg: error processing archive (\S+) \(--unpack\):\n(.*)$", re.M)


def placed(paragraph: bytes) -> bytes:
    """A control file as a stanza of an index, whatever it says."""
    return paragraph.rstrip(b"\n") + b"\n" + _PLACE


class Apt:
    """An apt whose one source is an index of our choice, beside a good package."""

    def __init__(self, folder: Path) -> None:
        self._index = folder / "repository/Packages"
        self._index.parent.mkdir(parents=True)
        source = f"deb [trusted=yes arch=amd64] file:{self._index.parent} ./"
        self._root = AptRoot(folder / "root", source)
        self._lists = self._root.path / "var/lib/apt/lists"
        self._database = folder / "dpkg"

    def complaints(self, *stanzas: bytes) -> list[str]:
        """What `apt-get update` and `apt-get -s install` of the good package say of an index."""
        self._root.status.write_text("")
        return [
            *self._update(*stanzas),
            *_told(self._root.run("apt-get", "--simulate", "install", "good")),
        ]

    def after_installing(self, controls: Mapping[str, bytes]) -> tuple[list[str], set[str]]:
        """What apt says on a host that has all of these, of the index that `complaints` was told
        and of a later one that has them no more; and the names of those whose installed version
        it takes for another than the offered one, which it would install anew at each upgrade."""
        self._root.status.write_text(self._installed(controls.values()), "latin-1")
        # An apt that has the index in its cache compares less than one that reads both anew.
        for cache in (self._root.path / "var/cache/apt").glob("*.bin"):
            cache.unlink()
        policy = self._root.run("apt-cache", "policy", *controls)
        return [*_told(policy), *self._update()], set(controls) - _offered(policy.out)

    def _update(self, *stanzas: bytes) -> list[str]:
        shutil.rmtree(self._lists)
        (self._lists / "partial").mkdir(parents=True)
        self._index.write_bytes(b"\n".join([*stanzas, placed(GOOD)]))
        return _told(self._root.update())

    def _installed(self, controls: Iterable[bytes]) -> str:
        """dpkg's own words for these packages, which are not those of their control files.

        Its list of available packages is written by the same code as that of installed ones, and
        at no cost for each.
        """
        shutil.rmtree(self._database, ignore_errors=True)
        (self._database / "updates").mkdir(parents=True)
        (self._database / "status").touch()
        listed = self._database / "listed"
        listed.write_bytes(b"\n".join(controls))
        subprocess.run(
            ["dpkg", f"--admindir={self._database}", "--force-not-root", "--merge-avail", listed],
            check=True,
            capture_output=True,
        )
        text = (self._database / "available").read_text("latin-1")
        found = [_AVAILABLE.sub("", f"{one}\n") for one in text.strip().split("\n\n")]
        return "\n".join(one.replace("\n", "\nStatus: install ok installed\n", 1) for one in found)


def _told(said: Said) -> list[str]:
    failed = [f"{said.command[:40]} ended with {said.code}"] if said.code else []
    # `Err:` stands for each form of the index that is not there, which apt does not mind.
    return [line for line in said.complaints if not line.startswith("Err:")] + failed


def _offered(policy: str) -> set[str]:
    """The packages of which `apt-cache policy` shows the installed version as one of the index."""
    return {
        fits[1]
        for fits in re.finditer(r"^(\S+):\n(?: .*\n)*? \*\*\* .*\n((?: {8}.*\n)*)", policy, re.M)
        if " file:" in fits[2]
    }


def refused_by_dpkg(folder: Path, packages: Mapping[str, bytes]) -> dict[str, str]:
    """What `dpkg --unpack` says of those whose control file it refuses, and does no more."""
    for part in ("dpkg/updates", "dpkg/info", "debs"):
        (folder / part).mkdir(parents=True)
    (folder / "dpkg/status").touch()
    (folder / "dpkg/arch").write_text("amd64\narm64\n")
    for name, body in packages.items():
        (folder / "debs" / name).write_bytes(body)
    options = ["--force-not-root", "--force-depends", "--force-conflicts", "--force-breaks"]
    said = subprocess.run(
        ["dpkg", f"--admindir={folder}/dpkg", *options, "--dry-run", "--abort-after=1000000",
         "--unpack", *packages],
        cwd=folder / "debs", check=False, capture_output=True, text=True, errors="replace",
        env={"LC_ALL": "C.UTF-8", "PATH": "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"},
    )  # fmt: skip
    return dict(_REFUSED.findall(said.stderr))
