"""The real dpkg as a judge: which packages it would unpack on a host.

Many at once in one root of their own, in which nothing is but the folders that every host has.
Packages judged together must not have a name or a file in common.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

# Whatever depends on the host: what is installed there, and what it is.
_FORCED = "architecture,depends,conflicts,breaks,bad-path,unsafe-io"
_FOLDERS = """
bin boot dev etc/default etc/dpkg/origins etc/profile.d etc/skel home lib media mnt opt proc root
run sbin srv sys tmp usr/bin usr/games usr/include usr/lib usr/local/bin usr/sbin usr/share/doc
usr/share/man usr/src var/backups var/cache var/lib/dpkg/info var/lib/dpkg/updates var/log var/spool
"""
_SECONDS = 300


def refuses(packages: Sequence[bytes], folder: Path) -> list[str]:
    """What dpkg says of each package as it refuses it; empty where it unpacks it.

    `folder` is empty, and filled. Raises AssertionError if dpkg itself came to grief.
    """
    root = folder / "root"
    for name in _FOLDERS.split():
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "var/lib/dpkg/status").touch()
    paths = []
    for number, body in enumerate(packages):
        paths.append(folder / f"{number:05}.deb")
        paths[-1].write_bytes(body)
    code, said = _run(
        ["dpkg", f"--root={root}", f"--force-{_FORCED}", "--log=/dev/null",
         f"--abort-after={len(paths) + 1}", "--unpack", *map(str, paths)]
    )  # fmt: skip
    _, summary, listed = said.rpartition("Errors were encountered while processing:\n")
    assert (code, bool(summary)) in ((0, False), (1, True)), said[-2000:]
    failed = {line.strip() for line in listed.splitlines()}
    return [_why(path, said) if str(path) in failed else "" for path in paths]


def _run(command: Sequence[str]) -> tuple[int, str]:
    """The exit code, and what stands on stderr. In a session of its own: dpkg has dpkg-deb for a
    child, which goes on for ever at some packages if dpkg alone is killed."""
    environment = {**os.environ, "LC_ALL": "C"}
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    ) as process:
        try:
            said = process.communicate(timeout=_SECONDS)[1]
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, said.decode("utf-8", "replace")


def _why(path: Path, said: str) -> str:
    _, _, after = said.partition(f"dpkg: error processing archive {path} (--unpack):\n")
    return " ".join(_until(after.splitlines(), "dpkg: ")) or "refused"


def _until(lines: Iterable[str], start: str) -> list[str]:
    kept: list[str] = []
    for line in lines:
        if line.startswith(start):
            break
        kept.append(line.strip())
    return kept[:5]
