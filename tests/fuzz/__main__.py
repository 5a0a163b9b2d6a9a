"""Runs targets one after another, each in a process of its own, and says what they found.

An input that breaks a target is kept in .local/fuzz/<target>/found; what a run learned to reach is
kept beside it and is where the next one begins.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from local.paths import LOCAL, ROOT
from tests.fuzz.targets import ANY, TARGETS

# What a function has at most, and a pause that nobody would put down to a slow disk.
_MEMORY_MB = 1024
_SLOW_SECONDS = 20

# atheris alone, made by `make fuzz` and `make test`: it is too large for every set-up.
_ATHERIS = Path(sysconfig.get_path("purelib", vars={"base": str(LOCAL / "atheris")}))


def available() -> bool:
    """Whether there is an atheris for this Python and this machine."""
    return (_ATHERIS / "atheris").is_dir()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--minutes", type=float, default=30, help="in all (default: 30)")
    arguments = parser.parse_args()
    unknown = set(arguments.targets) - set(TARGETS)
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    if not available():
        print(
            "NOTHING WAS FUZZED: `make fuzz` installs atheris, which has wheels for CPython 3.11 "
            "to 3.14 on Linux on x86-64 alone. Elsewhere tests/fuzz/test_fuzz.py is all there is.",
            file=sys.stderr,
        )
        return 2
    chosen = arguments.targets or list(TARGETS)
    seconds = max(1, round(60 * arguments.minutes / len(chosen)))
    broken = [name for name in chosen if fuzz(name, seconds) != 0]
    if broken:
        print(f"Something was found in: {', '.join(broken)}; see above", file=sys.stderr)
    return 1 if broken else 0


def fuzz(name: str, seconds: int, place: Path = LOCAL / "fuzz") -> int:
    """One target for so long, `any` all of them; not 0 where an input broke it, then in `place`."""
    seeds, learned, found = (place / name / each for each in ("seeds", "learned", "found"))
    for folder in (seeds, learned, found):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(TARGETS.get(name, ANY).seeds):
        (seeds / str(number)).write_bytes(seed)
    command = [
        # By a process between: Linux counts as a program's own peak what the process took that was
        # replaced by it (getrusage(2), ru_maxrss), which after other tests is above the limit.
        *("sh", "-c", '"$@"; exit $?', "fuzz"),
        *(sys.executable, "-m", "tests.fuzz.one", name),
        *(f"-max_total_time={seconds}", f"-rss_limit_mb={_MEMORY_MB}", f"-timeout={_SLOW_SECONDS}"),
        *(f"-artifact_prefix={found}/", "-print_final_stats=1"),
        *(str(learned), str(seeds)),
    ]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(_ATHERIS)},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
