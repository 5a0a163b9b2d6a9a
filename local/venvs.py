"""Makes environments from their locks: the project's and the emulator's own.

`python -m local.venvs checks fuzz` makes what `make check` and `make fuzz` need besides. Runs on
the bare interpreter before anything is installed: standard library only, and nothing that an old
Python could not parse before it is told that it is too old.
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
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEAST = (3, 11)

# Where, from which lock, and whether debpress itself goes in.
ENVIRONMENTS = (
    (ROOT / ".venv", ROOT / "requirements.txt", True),
    (ROOT / ".local" / "emulator", ROOT / "local" / "emulator" / "requirements.txt", False),
)
# Large, and nothing that the demo needs.
BESIDES = {
    "checks": (ROOT / ".local" / "checks", ROOT / "local" / "checks" / "requirements.txt", False),
    "fuzz": (ROOT / ".local" / "atheris", ROOT / "tests" / "fuzz" / "requirements.txt", False),
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
    # Two makes at once must not build into one directory.
    (ROOT / ".local").mkdir(exist_ok=True)
    with (ROOT / ".local" / "setup.lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        return _make_all(names)


def _make_all(names: tuple[str, ...]) -> int:
    for place, lock, with_debpress in (*ENVIRONMENTS, *(BESIDES[name] for name in names)):
        stamp = _stamp(place, lock)
        mark = place / "complete"
        if mark.is_file() and mark.read_text() == stamp:
            continue
        begun = time.monotonic()
        name = place.relative_to(ROOT)
        print(f"==> making {name} (once; a minute or two)", flush=True)
        if not _make(place, lock, with_debpress):
            return _fail(f"{name} could not be made: pip says why above")
        mark.write_text(stamp)
        print(f"    done in {time.monotonic() - begun:.1f} s", flush=True)
    return 0


def _venv_module() -> str | None:
    """Debian keeps what `venv` needs in a package of its own."""
    try:
        import ensurepip  # noqa: F401, PLC0415
    except ImportError:
        from local import tools  # noqa: PLC0415

        return tools.ensure(["python3-venv"])
    return None


def _stamp(place: Path, lock: Path) -> str:
    """Changes with whatever makes the environment another one, the checkout's place included."""
    sums = [
        hashlib.sha256(path.read_bytes()).hexdigest() for path in (lock, ROOT / "pyproject.toml")
    ]
    return "\n".join([sys.version, os.path.realpath(sys.executable), str(place), *sums])


def _make(place: Path, lock: Path, with_debpress: bool) -> bool:
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    pip = [str(place / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "-qq"]
    steps = [
        [sys.executable, "-m", "venv", str(place)],
        [
            *pip,
            "install",
            "--no-deps",
            "--require-hashes",
            "--only-binary",
            ":all:",
            "-r",
            str(lock),
        ],
    ]
    if with_debpress:
        # Its dependencies are in the lock; its build needs nothing from outside.
        steps.append(
            [*pip, "install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
        )
    return all(
        subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode == 0
        for command in steps
    )


def _fail(text: str) -> int:
    print(f"error: {text}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    # An exit is an exception, upon which subprocess ends pip too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
