"""Real Debian packages for the demo and the tests: small and varied; fetched once, or else built.

They are varied in what faults are likely at: versions with epochs, `+` and `~`, a `+` in a name,
architecture all, and members packed by gzip, xz and zstd. Debian packs nearly everything by xz, so
the packages with the other two are built here.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from local import debs, paths, processes, progress
from local.errors import LocalError

LEAST = 30
_MOST_BYTES = 150_000
_SECONDS = 90.0

Stanza = Mapping[str, str]

# The kinds of packages that the set must have, and how many of each.
_KINDS: tuple[tuple[int, Callable[[Stanza], bool]], ...] = (
    (6, lambda s: s["Architecture"] == "all" and not _needs(s)),
    (5, lambda s: ":" in s["Version"]),
    (5, lambda s: "+" in s["Version"]),
    (5, lambda s: "~" in s["Version"]),
    (4, lambda s: "+" in s["Package"]),
    (5, lambda s: s["Architecture"] != "all" and "Multi-Arch" in s),
    (5, lambda s: s["Architecture"] == "all"),
    (5, lambda s: s["Architecture"] != "all"),
)


def packages() -> list[Path]:
    """At least 30 packages; they are kept in `.local/packages` for the next time."""
    complete = paths.PACKAGES / "complete"
    if not complete.exists():
        shutil.rmtree(paths.PACKAGES, ignore_errors=True)
        paths.PACKAGES.mkdir(parents=True)
        _build_variants(paths.PACKAGES)
        try:
            _fetch(paths.PACKAGES)
        except LocalError as error:
            progress.say("    Debian's packages can't be fetched. apt said:")
            progress.show(str(error)[:600])
        have = len(list(paths.PACKAGES.glob("*.deb")))
        if have < LEAST:
            progress.say(
                f"    only {have} packages are to be had, so {LEAST - have} more are built"
            )
            _build_more(paths.PACKAGES, LEAST - have)
        complete.touch()
    return sorted(paths.PACKAGES.glob("*.deb"))


def installable(candidates: Sequence[Path]) -> list[Path]:
    """The packages that install into an empty root: without dependencies and without scripts."""
    return [deb for deb in candidates if not _relations(deb) and not _scripts(deb)]


def _relations(deb: Path) -> str:
    return debs.field(deb, "Depends") + debs.field(deb, "Pre-Depends")


def _scripts(deb: Path) -> list[str]:
    info = processes.run(["dpkg-deb", "--info", deb]).stdout
    return re.findall(r" (preinst|postinst|prerm|postrm|config|triggers)\s", info)


def _fetch(folder: Path) -> None:
    """`apt-get download` from the machine's own sources. If the machine has no package lists, they
    are fetched into a folder here.

    Raises LocalError when the lists can't be fetched.
    """
    options = ["-o", "APT::Sandbox::User=root"] if os.geteuid() == 0 else []
    chosen = _choose(_stanzas(options))
    if len(chosen) < LEAST:
        state = folder / "apt"
        (state / "lists/partial").mkdir(parents=True)
        options += ["-o", f"Dir::State::lists={state}/lists", "-o", f"Dir::Cache={state}"]
        processes.run(["apt-get", *options, "update"], timeout=_SECONDS)
        chosen = _choose(_stanzas(options))
    names = [f"{s['Package']}={s['Version']}" for s in chosen]
    if names:
        # Exit code 100: some packages are no longer on the mirror. The caller counts what is there.
        processes.run(
            ["apt-get", *options, "download", *names], cwd=folder, timeout=_SECONDS, accept=(0, 100)
        )
    shutil.rmtree(folder / "apt", ignore_errors=True)


def _stanzas(options: Sequence[str]) -> list[Stanza]:
    text = processes.run(["apt-cache", *options, "dumpavail"], accept=(0, 100)).stdout
    wanted = re.compile(
        r"^(Package|Version|Architecture|Size|Depends|Pre-Depends|Multi-Arch|Filename): (.*)$",
        re.MULTILINE,
    )
    return [dict(wanted.findall(stanza)) for stanza in text.split("\n\n") if stanza.strip()]


def _needs(stanza: Stanza) -> bool:
    return "Depends" in stanza or "Pre-Depends" in stanza


def _choose(stanzas: Sequence[Stanza]) -> list[Stanza]:
    """Packages of every kind, spread over the whole archive; the same at each call."""
    small = [
        s
        for s in stanzas
        if {"Package", "Version", "Architecture", "Size", "Filename"} <= s.keys()
        and s["Filename"].startswith("pool/main/")
        and int(s["Size"]) <= _MOST_BYTES
    ]
    small.sort(key=lambda s: hashlib.sha256(s["Package"].encode()).digest())
    chosen: dict[str, Stanza] = {}
    for number, fits in _KINDS:
        of_kind = [s for s in small if s["Package"] not in chosen and fits(s)]
        chosen |= {s["Package"]: s for s in of_kind[:number]}
    return list(chosen.values())


def _build_variants(folder: Path) -> None:
    for compression in debs.COMPRESSIONS:
        debs.build(
            folder, f"debpress-demo-{compression}", "1:1.0~rc1+b1-1", compression=compression
        )


def _build_more(folder: Path, number: int) -> None:
    versions = ("1.0", "2:1.0-1", "1.0~rc1-1", "1.0+dfsg-1", "0.9+git20260101~bpo1-1")
    architecture = processes.run(["dpkg", "--print-architecture"]).stdout.strip()
    for index in range(number):
        debs.build(
            folder,
            f"debpress-demo{'+' * (index % 3)}-{index}",
            versions[index % len(versions)],
            ("all", architecture)[index % 2],
            compression=debs.COMPRESSIONS[index % len(debs.COMPRESSIONS)],
        )
