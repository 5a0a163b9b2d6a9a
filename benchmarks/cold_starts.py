"""How long each function takes until it is ready for its first call.

`python -m benchmarks.cold_starts` makes the layers as a deployment does, for this machine and this
Python, and imports each handler some times in a process of its own, as Lambda does before the first
call: with the same paths and environment, so that it makes its clients as well. It tells processor
time, which other programs on the machine change less than the clock; and of several rounds the
least, as nothing makes a round faster than it is. Lambda's own part, from fetching the layers to
the start of Python, is not in it.

`--uncompiled` leaves the bytecode out, as a deployment does that finds no Python of the runtime's
version. `--layers FOLDER` and `--functions FOLDER` measure others: a folder in which the layers are
unpacked, and the functions' folders.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "layers/debpress/python"))

from debpress import config  # noqa: E402 (after the path)

from stacks import layers  # noqa: E402
from stacks.functions import SIZES  # noqa: E402

# Of memory, in MB, buys one processor (Lambda developer guide, "Configure Lambda function memory").
_ONE = 1769

_START = """
import json, pathlib, sys, time
sys.path[:0] = json.loads(sys.argv[1])
before, began = len(sys.modules), time.process_time()
import handler
if pathlib.Path(handler.__file__).with_name("work.py").exists():
    import work  # What set-up imports in its call.
print(json.dumps([(time.process_time() - began) * 1000, len(sys.modules) - before]))
"""
_ENVIRONMENT = {
    "AWS_LAMBDA_FUNCTION_NAME": "measured",
    "AWS_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "DEBPRESS_BUCKET": "none",
    "DEBPRESS_KMS_KEY": "arn:aws:kms:eu-central-1:123456789012:key/none",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold_starts")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--uncompiled", action="store_true")
    parser.add_argument("--layers", type=Path)
    parser.add_argument("--functions", type=Path, default=ROOT / "lambdas")
    arguments = parser.parse_args()
    print(f"Python {platform.python_version()}, {_processor()}")
    print("| function | modules | ms, least | ms, median | memory | s at its share |")
    print("|---|---|---|---|---|---|")
    with _opt(arguments.layers, arguments.uncompiled) as opt:
        for folder in sorted(path.parent for path in arguments.functions.glob("*/handler.py")):
            rounds = [_start(folder, opt) for _ in range(arguments.rounds)]
            least, median = min(rounds)[0], statistics.median(taken for taken, _ in rounds)
            memory = SIZES[folder.name].memory
            share = min(memory / _ONE, 1)
            print(
                f"| {folder.name} | {rounds[0][1]} | {least:.0f} | {median:.0f} | {memory} "
                f"| {least / share / 1000:.2f} |",
                flush=True,
            )


def seconds(rounds: int = 3) -> dict[str, float]:
    """By function: the processor's seconds until its first call, the least of some rounds."""
    folders = sorted(path.parent for path in (ROOT / "lambdas").glob("*/handler.py"))
    with _opt(None, uncompiled=False) as opt:
        return {
            folder.name: round(min(_start(folder, opt)[0] for _ in range(rounds)) / 1000, 3)
            for folder in folders
        }


@contextmanager
def _opt(unpacked: Path | None, uncompiled: bool) -> Iterator[list[Path]]:
    """The folders of modules that a function sees in /opt."""
    if unpacked:
        yield [unpacked / "python"]
        return
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    machine = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    context = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]["debpress"]
    built = [
        layers.code(python),
        layers.dependencies(machine, python),
        layers._repository(config.parse(context)),
    ]
    with tempfile.TemporaryDirectory() as folder:
        if uncompiled:
            for path in built:
                bare = shutil.ignore_patterns("__pycache__")
                shutil.copytree(path, folder, ignore=bare, dirs_exist_ok=True)
            built = [Path(folder)]
        yield [path / "python" for path in built]


def _start(function: Path, opt: list[Path]) -> tuple[float, int]:
    """Milliseconds of processor time, and the number of modules."""
    path = json.dumps([str(function), *map(str, opt)])
    command = [sys.executable, "-I", "-S", "-B", "-c", _START, path]
    done = subprocess.run(
        command, env=_ENVIRONMENT, stdout=subprocess.PIPE, check=True, text=True, cwd="/"
    )
    taken, modules = json.loads(done.stdout)
    return taken, modules


def _processor() -> str:
    """Its name, as far as the machine tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


if __name__ == "__main__":
    main()
