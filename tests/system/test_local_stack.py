"""The local stack leaves nothing behind, however it ends."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from local import deployment, emulator, paths
from local.errors import LocalError

_HOLDER = """
import time
from local import emulator
from local.processes import ended_by_signals
with ended_by_signals(), emulator.running() as running:
    print(running.process.pid, running.port, running.directory, flush=True)
    time.sleep(600)
"""


# The same as a program, and as a test.
_TEST = """
import os, time
from pathlib import Path
from local import emulator
def test_that_holds_an_emulator():
    with emulator.running() as running:
        told = Path(os.environ["TOLD"])
        told.with_suffix(".part").write_text(
            f"{running.process.pid} {running.port} {running.directory}"
        )
        told.with_suffix(".part").rename(told)
        time.sleep(600)
if __name__ == "__main__":
    test_that_holds_an_emulator()
"""

_FUNCTION = """
import pathlib, time
def handler(event, context):
    pathlib.Path(event["begun"]).touch()
    time.sleep(600)
"""


def _gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_emulator_and_removes_its_files(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER], cwd=paths.ROOT, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        group, port, directory = holder.stdout.readline().split()
        assert not _gone(int(group))
        holder.send_signal(number)
        holder.wait(timeout=30)
    deadline = time.monotonic() + 5
    while not _gone(int(group)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _gone(int(group))
    assert not Path(directory).exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(port))) != 0


def _await(condition: Callable[[], bool], what: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)


def _alive(group: int) -> list[int]:
    """The processes of a group, without those that have ended and that nobody has asked about."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _parent, its_group = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:  # It ended meanwhile.
            continue
        if int(its_group) == group and state != "Z":
            found.append(int(stat.parent.name))
    return found


def _keep_a_function_busy(port: int, folder: Path) -> None:
    """Has a function of the emulator at work that does not end for minutes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("busy.py", _FUNCTION)
    client = deployment.client(f"http://127.0.0.1:{port}", "lambda")
    client.create_function(
        FunctionName="busy",
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/busy",
        Handler="busy.handler",
        Code={"ZipFile": packed.getvalue()},
        Timeout=600,
    )
    begun = folder / "begun"
    client.invoke(
        FunctionName="busy", InvocationType="Event", Payload=f'{{"begun": "{begun}"}}'.encode()
    )
    _await(begun.exists, "the function is at work", 30)


_PYTEST = ["-m", "pytest", "-q", "-c", os.devnull, "--rootdir=."]


@pytest.mark.parametrize(
    "options", [[], _PYTEST, [*_PYTEST, "-n1"]], ids=["program", "pytest", "xdist"]
)
def test_who_is_killed_leaves_no_emulator_and_no_function_of_it(
    options: list[str], tmp_path: Path
) -> None:
    told = tmp_path / "told"
    (tmp_path / "test_holder.py").write_text(_TEST)
    with (tmp_path / "said").open("w") as said:
        holder = subprocess.Popen(
            [sys.executable, *options, "test_holder.py"],
            cwd=tmp_path,
            env={**os.environ, "TOLD": str(told), "PYTHONPATH": str(paths.ROOT)},
            stdout=said,
            start_new_session=True,
        )
    groups = [holder.pid]
    try:
        _await(told.exists, "it is up", 60)
        group, port, directory = told.read_text().split()
        groups.append(int(group))
        _keep_a_function_busy(int(port), tmp_path)
        assert len(_alive(int(group))) >= 2
        holder.kill()
        _await(lambda: not _alive(int(group)), "the emulator and its function are gone", 20)
        _await(lambda: not Path(directory).exists(), "its folder is gone", 5)
    finally:
        for each in groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(each, signal.SIGKILL)
        holder.wait()


def test_a_failure_ends_the_emulator_too() -> None:
    with pytest.raises(RuntimeError), emulator.running() as running:
        raise RuntimeError
    assert _gone(running.process.pid)
    assert not running.directory.exists()


def test_a_port_in_use_is_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalError, match=f"Port {port} can't be used"), emulator.running(port):
            pass
