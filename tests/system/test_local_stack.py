"""The local stack leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local import emulator, paths
from local.errors import LocalError

_HOLDER = """
import time
from local import emulator
from local.processes import ended_by_signals
with ended_by_signals(), emulator.running() as running:
    print(running.process.pid, running.port, running.directory, flush=True)
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
