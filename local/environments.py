"""Makes virtual environments from locks, by uv: the project's, and the emulator's own.

`python -m local.environments checks fuzz benchmarks ansible browser` makes those that `make check`,
`make fuzz`, `make bench` and `make test` need besides. pip installs uv itself, from a lock too,
into an environment of its own. The locks are in pip's format, because one of uv's format would name
the index that it was made from.

This runs before anything is installed, so it uses the standard library only. It has no syntax that
an old Python can't parse, so that such a Python gets to the message that it is too old.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from local import pip_settings

ROOT = Path(__file__).resolve().parent.parent
LEAST = (3, 11)

UV = (ROOT / ".local" / "uv", ROOT / "local" / "uv" / "requirements.txt")

# Each environment's folder, and the lock that it is made from.
ENVIRONMENTS = (
    (ROOT / ".venv", ROOT / "requirements.txt"),
    (ROOT / ".local" / "emulator", ROOT / "local" / "emulator" / "requirements.txt"),
)
# Made only when asked for: they are large, and the demo does not need them.
BESIDES = {
    "checks": (ROOT / ".local" / "checks", ROOT / "local" / "checks" / "requirements.txt"),
    "ansible": (ROOT / ".local" / "ansible", ROOT / "tests" / "ansible" / "requirements.txt"),
    "browser": (ROOT / ".local" / "browser", ROOT / "tests" / "browser" / "requirements.txt"),
    "fuzz": (ROOT / ".local" / "atheris", ROOT / "tests" / "fuzz" / "requirements.txt"),
    "benchmarks": (ROOT / ".local" / "benchmarks", ROOT / "benchmarks" / "requirements.txt"),
}


def main(*names: str) -> int:
    if sys.version_info < LEAST:
        here = ".".join(str(part) for part in sys.version_info[:3])
        return _fail(
            f"Python {LEAST[0]}.{LEAST[1]} or newer is needed, this is {here}: "
            "say which to use with make PYTHON=python3.13"
        )
    problem = _venv_module()
    if problem:
        return _fail(problem)
    # A lock, so that two `make`s at once do not install into the same folder.
    (ROOT / ".local").mkdir(exist_ok=True)
    with (ROOT / ".local" / "setup.lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        return _make_all(names)


def _make_all(names: tuple[str, ...]) -> int:
    wanted = [*ENVIRONMENTS, *(BESIDES[name] for name in names)]
    missing = [(place, lock) for place, lock in wanted if not _is_complete(place, lock)]
    if missing and not _is_complete(*UV):
        missing.insert(0, UV)
    for place, lock in missing:
        begun = time.monotonic()
        name = place.relative_to(ROOT)
        print(f"==> making {name} (once)", flush=True)
        # The environment is of an older lock, or was interrupted. Without this file an interruption
        # now is noticed the next time.
        (place / "complete").unlink(missing_ok=True)
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        if not (_with_pip if place == UV[0] else _with_uv)(place, lock):
            return _fail(f"{name} could not be made: see above")
        (place / "complete").write_text(_stamp(place, lock))
        print(f"    done in {time.monotonic() - begun:.1f} s", flush=True)
    return 0


def _is_complete(place: Path, lock: Path) -> bool:
    mark = place / "complete"
    return mark.is_file() and mark.read_text() == _stamp(place, lock)


def _venv_module() -> str | None:
    """The missing Debian package that the module `venv` needs, None if it is there."""
    try:
        import ensurepip  # noqa: F401, PLC0415
    except ImportError:
        from local import tools  # noqa: PLC0415

        return tools.ensure(["python3-venv"])
    return None


def _stamp(place: Path, lock: Path) -> str:
    """A text that changes with everything that an environment depends on, such as the lock, and the
    checkout's path."""
    sums = [
        hashlib.sha256(path.read_bytes()).hexdigest() for path in (lock, ROOT / "pyproject.toml")
    ]
    return "\n".join([sys.version, os.path.realpath(sys.executable), str(place), *sums])


def _with_pip(place: Path, lock: Path) -> bool:
    install = (*("install", "--no-deps", "--require-hashes", "--only-binary", ":all:"), "-r", lock)
    return _run([sys.executable, "-m", "venv", place]) and _run(
        [place / "bin" / "python", "-m", "pip", "-qq", *install]
    )


def _with_uv(place: Path, lock: Path) -> bool:
    uv = (UV[0] / "bin" / "uv", "--quiet")
    pip = (*uv, "pip")
    into = ("--python", place / "bin" / "python")
    steps: list[Sequence[str | Path]] = [
        [*uv, "venv", "--no-project", "--python", sys.executable, place],
        [*pip, "sync", *into, "--require-hashes", "--only-binary", ":all:", *_compiled(), lock],
    ]
    if place == ENVIRONMENTS[0][0]:
        # debpress itself. The lock has its dependencies already, and those of its build.
        steps.append([*pip, "install", *into, "--no-deps", "--no-build-isolation", "-e", ROOT])
    settings = _settings()
    return all(_run(step, settings) for step in steps)


def _compiled() -> list[str]:
    """The option by which uv compiles modules, if Python is told to write no bytecode.

    Else modules are compiled when they are first imported, since most of the CDK never is. Where
    Python writes no bytecode, each process would compile all its imports, for seconds.
    """
    return ["--compile-bytecode"] if sys.dont_write_bytecode else []


def _settings() -> dict[str, str]:
    """The environment variables for uv: pip's settings, unless there are such for uv already."""
    command = [str(UV[0] / "bin" / "python"), "-m", "pip", "config", "list"]
    listed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return {**pip_settings.for_uv(listed.stdout), **os.environ}


def _run(command: Sequence[str | Path], environment: dict[str, str] | None = None) -> bool:
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def _fail(text: str) -> int:
    print(f"error: {text}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    # sys.exit raises an exception, at which subprocess ends pip or uv, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
