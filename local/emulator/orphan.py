"""Ends the emulator, and the functions that it runs, when the process that started it has ended.

Our standard input is a pipe whose other end only the starting process has. When that process ends,
the kernel closes the pipe; also after SIGKILL, which leaves a process no time for a `finally`.

PR_SET_PDEATHSIG would need no thread of ours. But it signals the end of the thread that started us
and not of the process, the functions' processes would not get the signal, and only Linux has it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading

# Run in a session of its own: else it would kill itself with the group, before the removal.
_LAST = 'kill -KILL -- "-$1"; test -z "$2" || rm -rf -- "$2"'


def watch() -> None:
    """Waits in a thread until standard input ends, then ends our process group.

    What is read until then is the name of the folder to remove afterwards. This process must be the
    leader of its group, so that no other group is ended.
    """
    threading.Thread(target=_end_with_parent, name="orphan", daemon=True).start()


def _end_with_parent() -> None:
    folder = b""
    # Not sys.stdin: a thread that waits in it has its lock, and the interpreter could not exit.
    while part := os.read(0, 4096):
        folder += part
    try:
        command = ["sh", "-c", _LAST, "sh", str(os.getpid()), os.fsdecode(folder)]
        subprocess.run(command, start_new_session=True, check=False)
    finally:  # The shell kills this process, too, so this is reached only if there is no shell.
        os.killpg(os.getpid(), signal.SIGKILL)
