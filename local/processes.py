"""Starts programs, and makes sure that each is ended again, also after errors and signals."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from local.errors import LocalError

# How long a program that was asked to stop may take before it is killed: the emulator can take very
# long when a stack is stuck.
STOP_SECONDS = 5.0

_TAIL = 4000


def run(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 300,
    accept: Sequence[int] = (0,),
) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end, without showing its output. Raises LocalError with the output when
    its exit code is not one of `accept`."""
    shown = " ".join(str(part) for part in command)
    process = subprocess.Popen(
        [str(part) for part in command],
        env=None if environment is None else dict(environment),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired as error:
        raise LocalError(f"`{shown}` did not end within {timeout:g} s") from error
    finally:
        if process.poll() is None:
            stop(process)
    if process.returncode not in accept:
        said = (err.strip() or out.strip())[-_TAIL:]
        raise LocalError(f"`{shown}` ended with {process.returncode}:\n{said}")
    return subprocess.CompletedProcess(list(command), process.returncode, out, err)


def stop(process: subprocess.Popen[str], seconds: float = STOP_SECONDS) -> None:
    """Ends a process that is the leader of its own session, and all processes in that session."""
    _signal_group(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    _signal_group(process.pid, signal.SIGKILL)  # Also processes that the leader left running.
    process.wait()


def _signal_group(leader: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


class Terminated(BaseException):
    """SIGTERM or SIGHUP came. It is raised as KeyboardInterrupt is, so that each `finally` runs."""


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Raises Terminated at signals that would end this process at once, so that `finally` runs."""

    def raised(number: int, _frame: FrameType | None) -> None:
        # A second one must not interrupt the clean-up of the first.
        for each in handled:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)

    handled = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, raised) for number in handled}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
